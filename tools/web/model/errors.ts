// The one place where something thrown becomes words. Pure.

/** The text of a typed error; a thrown thing of another kind is named as the defect it is. */
export function errorText(thrown: unknown): string {
  if (thrown instanceof Error && thrown.message !== '') return thrown.message;
  return 'Something went wrong inside the page.';
}
