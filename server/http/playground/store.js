/** Where a browser keeps nothing for a page, the token lasts as long as the page. */
function storedToken() {
  try {
    return sessionStorage.getItem('token') ?? '';
  } catch {
    return '';
  }
}

export function storeToken(token) {
  try {
    sessionStorage.setItem('token', token);
  } catch {
    // In memory, then.
  }
  update({ token });
}

/** What the page knows and shows. Views read it, actions replace parts of it, and every change draws the page anew. */
let state = {
  /** /playground/form.json: what is known of the deployment. */
  form: undefined,
  /** Parameters of the form by key. */
  fields: new Map(),
  /** Whether the API has refused us for want of a token, and what it said. */
  locked: undefined,
  token: storedToken(),
  /** The API is there and answers us. */
  isReached: false,
  library: { items: [], next: undefined, isLoading: true, text: '', how: 'text', collection: '' },
  collections: [],
  /** As /api/feeds answers. */
  feeds: { items: [], error: undefined },
  /** Ids that are ticked; undefined where nothing is being selected. */
  selection: undefined,
  uploads: [],
  /** How files become images: under their own names below a folder or under made-up ids, and which presets are made ahead. */
  uploading: { isNamed: true, folder: '', presets: [] },
  /** Addresses of small pictures by id. */
  thumbnails: {},
  id: '',
  params: {},
  /** The answer of /img for id and params: `src`, `headers`, `type`, `bytes`, `ms`, or a `text`. */
  result: undefined,
  address: '',
  problem: undefined,
  isBusy: false,
  /** What /api/explain says of it, and what /api/images says of its original. */
  explained: undefined,
  image: undefined,
  /** Groups of the form that are unfolded. */
  openGroups: new Set(['size']),
  view: 'result',
  tool: undefined,
  zoom: 'fit',
  section: 'pictures',
  formats: undefined,
  code: { kind: 'img', narrow: 100, wide: 50, from: 768, most: '', text: '' },
  dialog: undefined,
  /** What was copied last, and what is said aloud. */
  copied: '',
  said: '',
};

let draw = () => undefined;
let isDue = false;

export const current = () => state;

export function onChange(listener) {
  draw = listener;
}

export function update(change) {
  state = { ...state, ...change };
  if (isDue) return;
  isDue = true;
  queueMicrotask(() => {
    isDue = false;
    draw(state);
  });
}

/** Changes a part that is an object of its own. */
export function patch(name, change) {
  update({ [name]: { ...state[name], ...change } });
}

/**
 * Says it to whoever hears the page rather than sees it. A region that keeps its text is not read out: the same once
 * more ends in a space that nobody hears.
 */
export function say(text) {
  update({ said: state.said === text ? `${text}\u00a0` : text });
}
