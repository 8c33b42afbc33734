/** What is laid over GraphiQL's own styles; loaded after them. */
export const STYLE = `
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; }
#root { flex: 1; min-height: 0; }
/* It takes the whole window otherwise, and the notice has its place there too. */
.graphiql-container { width: 100%; height: 100%; }

#notice { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; padding: 8px 16px; color-scheme: light dark;
  background: light-dark(#fff4ce, #4a3b10); color: light-dark(#3b2f00, #fff1c2); font: 15px Roboto, sans-serif; }
#notice:empty { display: none; }
#notice span { flex: 1 1 280px; }
#notice button { font: inherit; padding: 4px 12px; cursor: pointer; }
body.graphiql-light #notice { color-scheme: light; }
body.graphiql-dark #notice { color-scheme: dark; }

#cost { padding: 4px 16px; color-scheme: light dark; background: light-dark(#f4f5f7, #1a202c);
  color: light-dark(#4a5260, #b7c2d7); font: 13px Roboto, sans-serif; }
#cost:empty { display: none; }
body.graphiql-light #cost { color-scheme: light; }
body.graphiql-dark #cost { color-scheme: dark; }

/* The library that draws the tabs thinks that they were dragged whenever a width changes, as when the fonts have come. */
.graphiql-tab { transform: none !important; touch-action: auto !important; }

/* Its placeholder, which is the key that leads there, is cut otherwise. */
.graphiql-container .graphiql-doc-explorer-search input { min-width: 90px; }

#graphiql-session .editorPlaceholder { text-wrap: wrap; color: hsla(var(--color-neutral), var(--alpha-secondary)); }

@media (max-width: 700px) {
  .graphiql-container .graphiql-container, .graphiql-container #graphiql-session { flex-direction: column; }
  .graphiql-container .graphiql-sidebar { flex-direction: row; width: auto; padding-bottom: 0; }
  .graphiql-container .graphiql-main, .graphiql-container #graphiql-session { min-height: 0; }
  .graphiql-container .graphiql-sessions { margin: 0; border-radius: 0; }
  .graphiql-container .graphiql-logo, #graphiql-session > .graphiql-horizontal-drag-bar { display: none; }
  /* Variables and headers are in the upper half too. */
  #graphiql-session > .graphiql-editors { flex-grow: 1.3 !important; }
  .graphiql-container .graphiql-query-editor, .graphiql-container .graphiql-editor-tool { padding: 8px; }
  .graphiql-container .graphiql-editor-tools { padding: 0 8px; }
  /* The documentation needs the whole width: while it is open, it is all that is shown. */
  .graphiql-main:has(> .graphiql-horizontal-drag-bar) > :not(.graphiql-plugin) { display: none !important; }
  .graphiql-container .graphiql-plugin { flex: 1 !important; border: 0; }
  .graphiql-dialog .graphiql-dialog-section { flex-wrap: wrap; gap: 8px; }
}
`;

/** Says where the editor's workers are; loaded before GraphiQL. */
export const WORKERS = `'use strict';
const workers = { editorWorkerService: 'editor', json: 'json', graphql: 'graphql' };
self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_moduleId, label) => new URL('graphiql/' + workers[label] + '.worker.js', location.href).href,
};
`;

const LOGO =
  '<svg viewBox="0 0 24 24" width="28" height="28" fill="none" stroke="currentColor" stroke-width="1.5"><path d="M7 4h10v6a5 5 0 0 1-10 0zM7 6H4v1a3 3 0 0 0 3 3M17 6h3v1a3 3 0 0 1-3 3M12 15v3M8.5 20h7M10 18h4"/></svg>';

/** Renders GraphiQL with what stands in the page; loaded after it. */
export const RENDER = String.raw`'use strict';
const { tabs, headers, demoKey } = JSON.parse(document.getElementById('settings').textContent);
const link = new URL(location.href).searchParams.get('query');
const notice = document.getElementById('notice');

/** Says something above GraphiQL, with buttons by their labels. */
function tell(text, buttons = {}) {
  const words = document.createElement('span');
  words.textContent = text;
  const made = Object.entries({ ...buttons, Close: () => notice.replaceChildren() }).map(([label, act]) => {
    const button = document.createElement('button');
    button.textContent = label;
    button.onclick = act;
    return button;
  });
  notice.replaceChildren(words, ...made);
  notice.className = '';
}

/** The tabs as GraphiQL keeps them; null on the first visit. */
function keptTabs() {
  try {
    const state = JSON.parse(localStorage.getItem('graphiql:tabState'));
    return Array.isArray(state?.tabs) ? state : null;
  } catch {
    return null;
  }
}

/** Replaces a key in the tabs that are kept, and says whether it was there. */
function replaceKept(key, by) {
  const state = localStorage.getItem('graphiql:tabState') ?? '';
  localStorage.setItem('graphiql:tabState', state.replaceAll(key, by));
  return state.includes(key);
}

// A demo that is started anew has another key, which takes the place of the one before. What somebody typed is not touched.
const keyBefore = localStorage.getItem('graphiql:demoKey');
if (demoKey !== null) {
  if (keyBefore !== null && keyBefore !== demoKey && replaceKept(keyBefore, demoKey)) {
    tell("The demo's new API key now stands in the headers of your tabs, in place of one that does not work any more.");
  }
  localStorage.setItem('graphiql:demoKey', demoKey);
}

/** Says what can be done about a key that the server refuses. */
function tellRefused(key) {
  if (key === demoKey) {
    tell('The demo was started anew: this page has the API key of the one before.', { Reload: () => location.reload() });
  } else if (demoKey !== null) {
    tell('The server does not know the API key in the headers. This demo has one that works.', {
      "Use the demo's key": () => {
        // It is replaced when the page is loaded: now, GraphiQL may still write what it has not kept yet.
        localStorage.setItem('graphiql:demoKey', key);
        location.reload();
      },
    });
  }
  notice.className = 'refused';
}

/** Says what the operation that was run last has cost. */
function tellCost(cost) {
  const told = (number) => number.toLocaleString('en');
  const line = document.getElementById('cost');
  line.textContent = cost
    ? 'Cost ' + told(cost.actual) +
      (cost.requested === null ? '' : ', estimated ' + told(cost.requested)) +
      ' · database ' + told(cost.databaseMs) + ' ms' +
      (cost.limit ? ' · ' + told(cost.remaining) + ' of ' + told(cost.limit) + ' left, all again in ' + cost.resetSeconds + ' s' : '')
    : '';
}

/** Headers with their names as the others are written, so that one which is typed takes the place of ours. */
const lowerCased = (headers = {}) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

const failed = (message) => ({ errors: [{ message }] });

/** Sends an operation as it stands, so that what is wrong with it is told by the server. */
async function send({ query, variables, operationName }, { headers: typed } = {}) {
  if (query.replaceAll(/#.*/g, '').trim() === '') {
    return failed('There is nothing to run: this tab has no operation. Write one, or choose another tab.');
  }
  // GraphiQL notices a moment late that another operation is in front, and tells the name of the one before.
  const isNamed = new RegExp('\\b(query|mutation)\\s+' + operationName + '\\b').test(query);
  try {
    // The answer then says what it has cost, unless somebody types another value.
    const sent = new Headers({ 'graphql-cost': '1', ...lowerCased(typed), 'content-type': 'application/json' });
    const response = await fetch('graphql', {
      method: 'POST',
      headers: sent,
      body: JSON.stringify({ query, variables, operationName: isNamed ? operationName : undefined }),
    });
    const key = sent.get('x-api-key');
    const isRefused = response.status === 401 && response.headers.get('www-authenticate')?.startsWith('ApiKey');
    if (key && isRefused) tellRefused(key);
    else if (key && notice.className === 'refused') notice.replaceChildren();
    const answer = await response.json();
    if (!/\bIntrospectionQuery\b/.test(query)) tellCost(answer.extensions?.cost);
    return answer;
  } catch (error) {
    return failed('There is no answer: ' + error.message);
  }
}

// GraphiQL puts its editors' library here before it makes them, and has no options of its own for these.
Object.defineProperty(self, '__MONACO', {
  set: (monaco) => monaco.editor.onDidCreateEditor((editor) => queueMicrotask(() => prepare(editor))),
});
const isFirstVisit = keptTabs() === null && link === null;

function prepare(editor) {
  editor.updateOptions({ wordWrap: 'on' });
  if (!editor.getModel()?.uri.path.endsWith('response.json')) return;
  editor.updateOptions({ placeholder: 'Press ▶ to see the answer here.' });
  // Only what this page wrote itself, and only with a key that works.
  if (isFirstVisit && demoKey !== null) editor.getAction('graphql-run').run();
}

// GraphiQL opens the tab that has what it kept of its editors last, and a new one where none has: it is told to open the
// tab that was in front, or the one of the link.
const kept = keptTabs();
const inFront =
  [kept?.tabs[kept.activeTabIndex], ...(kept?.tabs ?? [])].find(
    (tab) => tab && (link === null || (tab.query ?? '') === link),
  ) ?? (link === null ? null : { query: link });

/** The tab in front, where it is seen. */
let shown = null;
function showTab() {
  const tab = document.querySelector('[role=tab][aria-selected=true]');
  if (tab === shown) return;
  shown = tab;
  tab?.scrollIntoView({ block: 'nearest', inline: 'center' });
}
new MutationObserver(showTab).observe(document.getElementById('root'), {
  subtree: true,
  childList: true,
  attributeFilter: ['aria-selected'],
});
// The fonts change the widths of the tabs before it.
document.fonts.ready.then(() => {
  shown = null;
  showTab();
});

YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
  fetcher: send,
  schemaDescription: true,
  title: 'GAME GraphQL',
  logo: ${JSON.stringify(LOGO)},
  headers,
  defaultTabs: link === null ? tabs : [{ query: link, headers }],
  // A phone has no place for them beside the operation until they are asked for.
  defaultEditorToolsVisibility: matchMedia('(max-width: 700px)').matches ? false : 'headers',
  ...(inFront && {
    initialQuery: inFront.query ?? '',
    initialVariables: inFront.variables ?? '',
    initialHeaders: inFront.headers ?? headers,
  }),
});
`;
