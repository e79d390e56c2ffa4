// Child process of limit.http1_write and limit.tcp_write: a bare server that writes the same bytes to every connection
// each time its parent says so. Prints its port; takes `push` messages over IPC.

import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';

const wire = process.argv[2];
const bytes = Buffer.alloc(Number(process.argv[3]), 'x');
const sinks: (ServerResponse | Socket)[] = [];

const server =
  wire === 'http1'
    ? createHttpServer((request, response) => {
        request.resume();
        response.writeHead(200, { 'content-type': 'application/grpc-web+proto' });
        response.write(bytes);
        sinks.push(response);
      })
    : createTcpServer({ noDelay: true }, (socket) => {
        socket.on('error', () => undefined);
        socket.write(bytes);
        sinks.push(socket);
      });

process.on('message', () => {
  for (const sink of sinks) sink.write(bytes);
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
