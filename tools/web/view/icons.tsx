// Drawings of the page, inline so that nothing is loaded. All are ornaments beside a label, hidden from
// screen readers.

/** Paths on a 24 by 24 grid, drawn as strokes. */
const PATHS = {
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6L6 18',
  search: 'M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM20 20l-4.2-4.2',
  chat: 'M21 12a8 8 0 0 1-8 8H4l2-3.2A8 8 0 1 1 21 12zM12.5 8.5v7M9 12h7',
  group:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.6c2.2.8 3.5 2.8 3.5 5.4',
  devices: 'M4 5h13v4M2 18h9M4 5v10h7M14 12h7v9h-7zM17 18h1',
  signout: 'M10 4H5v16h5M15 8l4 4-4 4M19 12H9',
  pin: 'M9 3h6l-.7 6 3.2 3.5V15h-11v-2.5L9.7 9zM12 15v6',
  mute: 'M6 9a6 6 0 0 1 9.5-4.9M18 10v2l2 4H9M6 9v3l-2 4h1M10 19a2 2 0 0 0 4 0M4 3l17 17',
  bell: 'M6 9a6 6 0 0 1 12 0v3l2 4H4l2-4zM10 19a2 2 0 0 0 4 0',
  info: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM12 11v6M12 7.5v.1',
  send: 'M4 12l16-8-5 16-3.5-6.5zM11.5 13.5L20 4',
  down: 'M12 5v14M6 13l6 6 6-6',
  clock: 'M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 8v4l2.5 2',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  alert: 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 8v5M12 16v.1',
  edit: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3',
  leave: 'M10 4H5v16h5M15 8l4 4-4 4M19 12H9',
  add: 'M12 5v14M5 12h14',
} as const;

/** Name of a drawing. */
export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The bird. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <rect class="logo-ground" width="64" height="64" rx="15" />
      <path
        class="logo-bird"
        d="M10 24c7-1 11-8 20-8 8 0 13 5 14.5 12C46 36 40 48 26 49l-8 6 3-7c-4-2-6-6-6-11 0-4 1-7 2-9-2-.5-5-1.5-7-4z"
      />
      <path class="logo-wing" d="M26 30c6-2 13 0 18-2 4-1.5 7-4 10-8 1 12-6 23-17 24-7 .6-11-6-11-14z" />
      <circle class="logo-eye" cx="24" cy="23" r="1.9" />
    </svg>
  );
}
