// The door for tests of the page. Owns: a double of the client that tests steer by hand. Does not own: how
// the real client behaves (docs/client/sdk-specification.md).

export { ClientDouble } from './client-double.ts';
export { control, conversation, groupConversation, outgoing, text, textContent } from './fixtures.ts';
