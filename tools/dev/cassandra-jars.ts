// The program of a Cassandra server, from its Maven jars. Owns: the version, finding Java and Maven, the class path. Does not
// own: running it (server.ts). Everything that is fetched goes to Maven's own cache, outside the tree.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version that everything is tested with. */
export const cassandraVersion = '5.0.6';

/** Versions of Java that this version of Cassandra runs on. */
const javaVersions = ['11', '17'];

const mavenMsMax = 540_000;

export interface ServerProgram {
  /** The Java program. */
  readonly java: string;
  readonly classPath: string;
}

/**
 * Finds Java and the jars; fetches the jars where they are missing.
 * @throws Error that names what is missing and how to get it
 */
export async function serverProgram(): Promise<ServerProgram> {
  const java = await findJava();
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'starling');
  const file = join(cache, `cassandra-${cassandraVersion}.classpath`);
  const known = existsSync(file) ? await readFile(file, 'utf8') : '';
  if (known !== '' && known.split(':').every((jar) => existsSync(jar))) return { java, classPath: known };
  const classPath = await resolveJars();
  await mkdir(dirname(file), { recursive: true });
  // Complete at once, whoever else does the same.
  const scratch = `${file}.${process.pid}`;
  await writeFile(scratch, classPath);
  await rename(scratch, file);
  return { java, classPath };
}

async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME'];
  const java = home === undefined ? 'java' : join(home, 'bin', 'java');
  const help =
    'Install JDK 17 (Debian: openjdk-17-jdk-headless) and put it on PATH or in JAVA_HOME, ' +
    'or name a running cluster in STARLING_TEST_CASSANDRA (host:port).';
  let text: string;
  try {
    text = (await run(java, ['-version'])).stderr;
  } catch {
    throw new Error(`Cassandra ${cassandraVersion} needs Java, and ${java} does not run. ${help}`);
  }
  const major = /version "(\d+)/.exec(text)?.[1] ?? '?';
  if (javaVersions.includes(major)) return java;
  throw new Error(
    `Cassandra ${cassandraVersion} needs Java 17 (or 11), and ${java} is version ${major}. ${help}`,
  );
}

async function resolveJars(): Promise<string> {
  const directory = await mkdtemp(join(process.env['TMPDIR'] ?? '/tmp', 'starling-jars-'));
  try {
    await writeFile(join(directory, 'pom.xml'), pom);
    const output = join(directory, 'classpath');
    const args = [
      '-q',
      '-B',
      'dependency:build-classpath',
      `-Dmdep.outputFile=${output}`,
      '-Dmdep.includeScope=runtime',
    ];
    await run('mvn', args, { cwd: directory, timeout: mavenMsMax }).catch(
      (error: Error & { stdout?: string }) => {
        const cause = (error.stdout ?? '').trim().split('\n').slice(0, 5).join(' ') || error.message;
        throw new Error(
          `the jars of Cassandra ${cassandraVersion} could not be fetched with Maven. Install Maven (Debian: maven) and see ` +
            `that its repository is in reach, or name a running cluster in STARLING_TEST_CASSANDRA (host:port). ${cause}`,
        );
      },
    );
    return (await readFile(output, 'utf8')).trim();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>starling</groupId>
  <artifactId>cassandra-server</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.cassandra</groupId>
      <artifactId>cassandra-all</artifactId>
      <version>${cassandraVersion}</version>
    </dependency>
  </dependencies>
</project>
`;
