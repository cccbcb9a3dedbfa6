// Which samples are selected: the filters, and who wants to know when they change.
'use strict';

const unfiltered = Object.freeze({
  truth: -1,
  truthHas: true,
  predicted: -1,
  predictedHas: true,
  missed: -1,
  added: -1,
  result: 'all',
  change: 0,
  low: 0,
  high: 1,
  text: '',
  area: null,
  sort: 'order',
});
const filter = {...unfiltered};
const listeners = [];
let selection = new Int32Array(0);

const onSelection = (listener) => listeners.push(listener);

// Changes some of the filters; `only`: all others are cleared first (but the order).
function setFilter(changes, only = false) {
  if (only) Object.assign(filter, unfiltered, {sort: filter.sort});
  Object.assign(filter, changes);
  select_();
  for (const listener of listeners) listener();
}

const searchable = once(
    () => report.ids.map(
        (id, i) => [id, pathOf(i), ...labelsOf(truth, i).map(className),
                    ...labelsOf(predicted, i).map(className)]
                       .join('\n')
                       .toLowerCase()));

function select_() {
  const wanted = filter.text.trim().toLowerCase();
  const texts = wanted ? searchable() : null;
  const anyConfidence = filter.low <= 0 && filter.high >= 1;
  const out = new Int32Array(shown);
  let n = 0;
  for (let i = 0; i < shown; ++i) {
    if (filter.truth >= 0 && isTrue(i, filter.truth) !== filter.truthHas) continue;
    if (filter.predicted >= 0 && isPredicted(i, filter.predicted) !== filter.predictedHas) continue;
    if (filter.missed >= 0 && !(isTrue(i, filter.missed) && !isPredicted(i, filter.missed)))
      continue;
    if (filter.added >= 0 && !(isPredicted(i, filter.added) && !isTrue(i, filter.added))) continue;
    if (filter.result !== 'all' && (filter.result === 'right') !== (right[i] === 1)) continue;
    if (filter.change && change[i] !== filter.change) continue;
    if (!anyConfidence &&
        !(confidence[i] >= Math.fround(filter.low) && confidence[i] <= Math.fround(filter.high)))
      continue;
    if (filter.area && !filter.area[i]) continue;
    if (texts && !texts[i].includes(wanted)) continue;
    out[n++] = i;
  }
  selection = order(out.subarray(0, n));
}

// Equal samples stay in the order of the file; unknown figures come last.
function order(samples) {
  const keys = {
    loss: () => loss.map((x) => -x),
    margin,
    suspicious: selfConfidence,
    confidence: () => confidence
  }[filter.sort];
  if (!keys) return samples;
  const key = keys();
  const of = (i) => (Number.isNaN(key[i]) ? Infinity : key[i]);
  return samples.sort((a, b) => (of(a) === of(b) ? a - b : of(a) < of(b) ? -1 : 1));
}

// What the filters say, in words.
function filterText() {
  const parts = [];
  const label = (k, is) => `${is ? '' : 'not '}${className(k)}`;
  if (filter.truth >= 0) parts.push('true ' + label(filter.truth, filter.truthHas));
  if (filter.predicted >= 0)
    parts.push('predicted ' + label(filter.predicted, filter.predictedHas));
  if (filter.missed >= 0) parts.push('missed ' + className(filter.missed));
  if (filter.added >= 0) parts.push('added ' + className(filter.added));
  if (filter.result !== 'all') parts.push(filter.result);
  if (filter.change) parts.push(changes[filter.change]);
  if (filter.low > 0 || filter.high < 1) parts.push(`confidence ${filter.low} to ${filter.high}`);
  if (filter.area) parts.push('in the map\'s area');
  if (filter.text) parts.push(`name with "${filter.text}"`);
  return parts.join(', ');
}
