// One sample, large, with its probabilities. Its address ends in #sample=ID, for a colleague.
'use strict';

let opened = -1;

function permalink(sample) { return '#sample=' + encodeURIComponent(report.ids[sample]); }

function probabilityBars(sample) {
  const entries = [];
  eachProbability(sample, (k, p) => entries.push([p, k]));
  entries.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  const some = entries.filter(([, k], at) => at < 10 || isTrue(sample, k));
  return el(
      'div', {class: 'bars', role: 'list', 'aria-label': 'Probabilities'},
      ...some.flatMap(([p, k]) => {
        const fill = el('div', {class: isTrue(sample, k) ? 'fill true' : 'fill'});
        fill.style.width = 100 * Math.min(1, p) + '%';
        return [
          el('span', {role: 'listitem'}, nameNode(className(k)),
             isTrue(sample, k) ? ' (true)' : ''),
          el('div', {class: 'track'}, fill), el('span', {}, percent(p, 2))
        ];
      }),
      entries.length < classCount && el('span', {class: 'quiet'}, 'others are smaller'));
}

function sampleFacts(sample) {
  const facts = [
    ['True', namesOf(labelsOf(truth, sample))], ['Predicted', namesOf(labelsOf(predicted, sample))],
    ['Result', right[sample] ? 'right' : 'wrong'], ['Confidence', percent(confidence[sample], 2)],
    ['Loss', fixed(loss[sample])], ['Margin', fixed(margin()[sample])],
    ['Belief in the given label', percent(selfConfidence()[sample], 2)]
  ];
  if (change)
    facts.push(
        [
          `Predicted by ${report.other.name}`,
          change[sample] ? `${namesOf(labelsOf(otherPredicted, sample))} (${
                               percent(otherConfidence[sample], 2)})` :
                           '–'
        ],
        ['Between the runs', changes[change[sample]]]);
  facts.push(['Id', report.ids[sample]]);
  if (pathOf(sample)) facts.push(['File', pathOf(sample)]);
  return el(
      'dl', {class: 'facts'},
      ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, nameNode(value))]));
}

function openSample(sample) {
  opened = sample;
  const at = selection.indexOf(sample), dialog = byId('sample');
  const step = (by, name) =>
      el('button', {
        type: 'button',
        disabled: at < 0 || at + by < 0 || at + by >= selection.length,
        onclick: () => openSample(selection[at + by])
      },
         name);
  const side = Math.min(256, window.innerWidth - 80);
  dialog.replaceChildren(
      el('div', {class: 'bar'}, el('h2', {id: 'sample-title'}, nameNode(fileOf(sample))),
         el('button', {type: 'button', 'aria-label': 'Close', onclick: () => dialog.close()}, '✕')),
      el('div', {class: 'columns'}, el('div', {}, picture(sample, side), sampleFacts(sample)),
         el('div', {}, el('h3', {}, 'Probabilities'),
            report.probability ? probabilityBars(sample) : el('p', {}, 'Unknown.'))),
      el('div', {class: 'pager'}, step(-1, 'Previous'), step(1, 'Next'),
         el('a', {href: permalink(sample), id: 'permalink'}, 'Link to this sample')));
  if (!dialog.open) dialog.showModal();
  history.replaceState(null, '', permalink(sample));
}

// The sample that the address names.
function openFromAddress() {
  if (!location.hash.startsWith('#sample=')) return;
  let id = '';
  try {
    id = decodeURIComponent(location.hash.slice(8));
  } catch {
    return;
  }
  const sample = report.ids.indexOf(id);
  if (sample >= 0)
    openSample(sample);
  else if (id)
    byId('selection-count').textContent = `The sample "${id}" is not among those shown.`;
}

function prepareSample() {
  const dialog = byId('sample');
  dialog.addEventListener('close', () => {
    if (dialog.open) return;  // opened again before this event came
    if (location.hash.startsWith('#sample='))
      history.replaceState(null, '', location.pathname + location.search);
    const tile = document.querySelector(`.gallery [data-sample="${opened}"]`);
    if (tile) tile.focus();
  });
  dialog.addEventListener('keydown', (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    const at = selection.indexOf(opened), next = selection[at + step];
    if (step && at >= 0 && next !== undefined) {
      event.preventDefault();
      openSample(next);
    }
  });
  window.addEventListener('hashchange', openFromAddress);
  openFromAddress();
}
