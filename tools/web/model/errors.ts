// The one place where something thrown becomes words. Pure.

/** The text of a typed error; a thrown thing of another kind is named as the defect it is. */
export function errorText(thrown: unknown): string {
  if (thrown instanceof Error && thrown.message !== '') return thrown.message;
  return 'Something went wrong inside the page.';
}

/** The reason code of a typed error; empty if it has none. */
export function errorCode(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return '';
  return typeof thrown.code === 'string' ? thrown.code : '';
}
