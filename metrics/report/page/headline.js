// The headline figures, with their intervals where metrics.json has them.
'use strict';

const figureNames = {
  accuracy: ['Accuracy', true],
  subset_accuracy: ['Subset accuracy', true],
  top5: ['Top-5 accuracy', true],
  balanced_accuracy: ['Balanced accuracy', true],
  mAP: ['Mean average precision'],
  'macro.f1': ['Macro F1'],
  'micro.f1': ['Micro F1'],
  'samples_avg.f1': ['F1 over samples'],
  hamming_loss: ['Hamming loss'],
  log_loss: ['Log loss'],
  ece: ['Calibration error (ECE)'],
  mcc: ['Matthews correlation'],
  cohen_kappa: ['Cohen\'s kappa'],
  roc_auc_ovr_macro: ['ROC AUC, macro'],
};
if (!multi) delete figureNames['micro.f1'];  // the accuracy again

// metrics.json's numbers by path: {"accuracy": 0.9, "macro.f1": 0.8, ...}.
function flat(object, prefix = '', out = {}) {
  for (const [name, value] of Object.entries(object || {})) {
    if (['per_class', 'confusion_matrix', 'intervals'].includes(name)) continue;
    if (isNumber(value))
      out[prefix + name] = value;
    else if (value && typeof value === 'object' && !Array.isArray(value))
      flat(value, prefix + name + '.', out);
  }
  return out;
}

function intervalOf(metrics, path) {
  let at = metrics.intervals;
  for (const name of [path, path.replace('.', '_')])
    if (at && Array.isArray(at[name])) return at[name];
  for (const name of path.split('.')) at = at && at[name];
  return Array.isArray(at) && at.length === 2 ? at : null;
}

const shownFigure = (path, value) =>
    (figureNames[path] && figureNames[path][1] ? percent(value, 2) : fixed(value));

// How the figures vary from fold to fold: what one more training would give.
function foldFigures({folds, figures}) {
  const ours = {macro_f1: 'macro.f1', f1_macro: 'macro.f1', f1_micro: 'micro.f1'};  // as cards
  const rows = Object.entries(figures).map(([name, f]) => ({name: ours[name] || name, ...f}));
  const number = (title, key) =>
      ({name: title, value: (r) => r[key], show: (r) => shownFigure(r.name, r[key])});
  const columns = [
    {
      name: 'Figure',
      text: true,
      value: (r) => r.name,
      show: (r) => (figureNames[r.name] ? figureNames[r.name][0] : r.name)
    },
    number('Mean', 'mean'), number('Standard deviation', 'std'), number('Worst', 'worst')
  ];
  return [
    el('h3', {}, `Over ${folds} folds`),
    sortedTable('Figures over the folds', columns, rows, 0, true)
  ];
}

function showHeadline() {
  byId('title').textContent =
      report.other ? `${report.name} and ${report.other.name}` : report.name;
  document.title = byId('title').textContent + ' – Taxon report';
  const args = Object.fromEntries(report.args);
  const {calibration} = report.metrics;
  byId('subtitle').textContent = [
    args.data, args.model,
    `${count(report.samples)} samples${report.split ? ' of ' + report.split : ''}`,
    `${count(classCount)} ${multi ? 'labels' : 'classes'}`,
    calibration && `calibrated on val (temperature ${fixed(calibration.temperature, 2)})`
  ].filter(Boolean).join(' · ');
  const notes = [report.thinned, ...report.notes].filter(Boolean);
  byId('notes').hidden = notes.length === 0;
  byId('notes').append(el('ul', {}, ...notes.map((note) => el('li', {}, note))));

  const section = byId('figures');
  addToNav('figures', 'Figures');
  const figures = flat(report.metrics);
  const cards = Object.keys(figureNames).filter((path) => isNumber(figures[path])).map((path) => {
    const interval = intervalOf(report.metrics, path);
    return el(
        'div', {class: 'figure', 'data-figure': path}, el('span', {}, figureNames[path][0]),
        el('b', {}, shownFigure(path, figures[path])),
        interval &&
            el('span', {},
               `${shownFigure(path, interval[0]).replace(' %', '')} to ${
                   shownFigure(path, interval[1])}`));
  });
  if (report.other) section.append(el('p', {}, 'What follows is of ', nameNode(report.name), '.'));
  section.append(el('div', {class: 'tiles'}, ...cards));
  const level = report.metrics.intervals && report.metrics.intervals.level;
  if (isNumber(level))
    section.append(
        el('p', {class: 'quiet'},
           `Below the figures: ${
               percent(level, 0)} intervals, what other samples of the same kind would give.`));
  if (report.folds) section.append(...foldFigures(report.folds));
  const rest = Object.keys(figures).filter((path) => !figureNames[path] && path !== 'samples');
  if (rest.length === 0) return;
  section.append(
      el('details', {}, el('summary', {}, 'All figures of metrics.json'),
         el('dl', {class: 'facts'},
            ...rest.flatMap((path) => [el('dt', {}, path), el('dd', {}, String(figures[path]))]))));
}
