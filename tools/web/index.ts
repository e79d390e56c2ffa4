// The chat page. Owns: everything a person sees and does in a browser; demo sign-in. Does not own: delivery,
// order, repeats and the local database (tools/sdk), or how the page is served (tools/node).
//
//   model/   what things mean in words and rows; pure, tested without a browser
//   state/   the client's events as signals, the person's acts as calls; tested with a double of the client
//   view/    how it looks
//   styles/  colours, type and layout
//
// Invariants:
// 1. What people write is shown as text, never read as markup; the page runs under a policy without inline
//    scripts.
// 2. Nothing is loaded from anywhere but the page's own origin.
// 3. Words about a failure come from its typed error.
// 4. What is kept in memory is bounded: log window, profiles, notices.

import { parseSignIn } from './model/route.ts';
import { mount } from './view/mount.tsx';

mount(document.body, parseSignIn(location.search));
