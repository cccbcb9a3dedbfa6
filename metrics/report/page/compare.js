// Two runs on the same samples: what got better, what got worse.
'use strict';

function figuresSideBySide() {
  const first = flat(report.metrics), second = flat(report.other.metrics);
  const rows =
      Object.keys(figureNames).filter((path) => isNumber(first[path]) && isNumber(second[path]));
  return sortedTable(
      'Figures of both runs',
      [
        {
          name: 'Figure',
          text: true,
          value: (p) => figureNames[p][0],
          show: (p) => figureNames[p][0]
        },
        {name: report.name, value: (p) => first[p], show: (p) => shownFigure(p, first[p])},
        {name: report.other.name, value: (p) => second[p], show: (p) => shownFigure(p, second[p])},
        {
          name: 'Difference',
          value: (p) => second[p] - first[p],
          show: (p) =>
              (second[p] >= first[p] ? '+' : '−') + shownFigure(p, Math.abs(second[p] - first[p]))
        },
      ],
      rows, 0);
}

function argumentsThatDiffer() {
  const first = new Map(report.args), second = new Map(report.other.args);
  const names = [...new Set([...first.keys(), ...second.keys()])].filter(
      (name) => first.get(name) !== second.get(name));
  if (names.length === 0) return null;
  return el(
      'details', {}, el('summary', {}, `${names.length} arguments differ`),
      el('dl', {class: 'facts'},
         ...names.flatMap(
             (name) =>
                 [el('dt', {}, name),
                  el('dd', {},
                     nameNode(`${first.get(name) ?? '–'} → ${second.get(name) ?? '–'}`))])));
}

// Recall of each class in both runs would need all samples; better and worse are counted among
// those shown.
function changesByClass() {
  const better = new Uint32Array(classCount), worse = new Uint32Array(classCount);
  for (let i = 0; i < shown; ++i) {
    const to = change[i] === 2 ? better : change[i] === 3 ? worse : null;
    if (to)
      for (const k of labelsOf(truth, i)) ++to[k];
  }
  const rows = [...report.classes.keys()].filter((k) => better[k] + worse[k] > 0);
  const button = (k, n, kind) =>
      el('button', {
        type: 'button',
        class: 'link',
        'aria-label': `show ${n} samples of ${className(k)} that ${changes[kind]}`,
        onclick: () => showSamples({truth: k, change: kind})
      },
         count(n));
  return sortedTable(
      'Changes by class',
      [
        {
          name: multi ? 'Label' : 'True class',
          text: true,
          value: className,
          show: (k) => nameNode(className(k))
        },
        {name: 'Better', value: (k) => better[k], show: (k) => button(k, better[k], 2)},
        {name: 'Worse', value: (k) => worse[k], show: (k) => button(k, worse[k], 3)},
        {
          name: 'Net',
          value: (k) => better[k] - worse[k],
          show: (k) => String(better[k] - worse[k])
        },
      ],
      rows, 3);
}

function showComparison() {
  if (!report.other) return;
  byId('figures').before(byId('comparison'));
  addToNav('comparison', 'Comparison');
  const m = report.other.mcnemar;
  const tile = (kind, n) =>
      el('button', {
        type: 'button',
        class: 'figure',
        'data-change': kind,
        onclick: () => showSamples({change: kind})
      },
         el('span', {}, changes[kind]), el('b', {}, count(n)));
  const p = m.p < 0.0001 ? m.p.toExponential(1) : m.p.toFixed(4);
  byId('comparison')
      .append(
          el('p', {}, 'From ', nameNode(report.name), ' to ', nameNode(report.other.name),
             `: ${count(m.samples)} samples in both.`),
          el('div', {class: 'tiles'}, tile(2, m.better), tile(3, m.worse), tile(1, m.both),
             tile(4, m.neither)),
          el('p', {id: 'mcnemar'},
             `McNemar's test: p = ${p} (${
                 m.exact ? 'exact binomial' :
                           `chi-squared ${m.statistic.toFixed(2)}, continuity correction`}). ` +
                 (m.p < 0.05 ?
                      'So many samples changed sides one way that chance alone would hardly do it.' :
                      'Chance alone could have done this.')),
          el('div', {class: 'columns'}, figuresSideBySide(), changesByClass()));
  const differ = argumentsThatDiffer();
  if (differ) byId('comparison').append(differ);
}
