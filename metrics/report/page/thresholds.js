// Precision-recall and ROC curves of each class against all others, and what a threshold makes of
// them: a sample counts as the class where p >= threshold.
'use strict';

const steps = report.grid;
const grid = arrayOf('grid', Uint32Array);

// Of each class, the sorted probabilities of the samples shown that have it, and that have it not.
const sortedColumns = once(() => {
  const sizes = new Uint32Array(2 * classCount);
  const visit = (f) => {
    for (let i = 0; i < shown; ++i)
      eachProbability(i, (k, p) => f(2 * k + (isTrue(i, k) ? 1 : 0), p));
  };
  visit((at) => {
    ++sizes[at];
  });
  const columns = [...sizes].map((n) => new NumberArray(n));
  sizes.fill(0);
  visit((at, p) => {
    columns[at][sizes[at]++] = p;
  });
  columns.sorted = new Set();
  return columns;
});
function columnOf(k, there) {
  const columns = sortedColumns(), at = 2 * k + there;
  if (!columns.sorted.has(at)) {
    columns[at].sort();
    columns.sorted.add(at);
  }
  return columns[at];
}

// How many of an ascending array are at least t.
function atLeast(sorted, t) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] >= t)
      high = middle;
    else
      low = middle + 1;
  }
  return sorted.length - low;
}

function countsAt(k, threshold) {
  let tp, fp;
  if (grid) {
    const at = (there) => grid[(2 * k + there) * (steps + 1) + Math.round(threshold * steps)];
    tp = at(1);
    fp = at(0);
  } else {
    tp = atLeast(columnOf(k, 1), asStored(threshold));
    fp = atLeast(columnOf(k, 0), asStored(threshold));
  }
  const positives = report.positives[k];
  return {tp, fp, fn: positives - tp, tn: report.samples - positives - fp};
}

const ratio = (a, b) => (b > 0 ? a / b : NaN);
function scores({tp, fp, fn, tn}) {
  return {
    precision: ratio(tp, tp + fp),
    recall: ratio(tp, tp + fn),
    f1: ratio(2 * tp, 2 * tp + fp + fn),
    fpr: ratio(fp, fp + tn)
  };
}

// The chosen class's figures; "micro": of all labels' decisions together, "macro": the mean over
// labels, where what is undefined counts as 0.
function figuresAt(which, threshold) {
  if (which !== 'micro' && which !== 'macro') {
    const counts = countsAt(Number(which), threshold);
    return {...counts, ...scores(counts)};
  }
  const sum = {tp: 0, fp: 0, fn: 0, tn: 0}, mean = {precision: 0, recall: 0, f1: 0, fpr: 0};
  for (let k = 0; k < classCount; ++k) {
    const counts = countsAt(k, threshold), s = scores(counts);
    for (const name of Object.keys(sum)) sum[name] += counts[name];
    for (const name of Object.keys(mean)) mean[name] += (s[name] || 0) / classCount;
  }
  return which === 'micro' ? {...sum, ...scores(sum)} : {...sum, ...mean};
}

// Some hundred thresholds, from the highest probability down.
function curveThresholds(which) {
  if (grid) return Array.from({length: steps + 1}, (_, k) => (steps - k) / steps);
  const ks = which === 'micro' || which === 'macro' ? [...report.classes.keys()] : [Number(which)];
  const out = new Set();
  for (const k of ks) {
    for (const there of [0, 1]) {
      const column = columnOf(k, there),
            step = Math.max(1, Math.floor(column.length * ks.length / 300));
      for (let i = column.length - 1; i >= 0; i -= step)
        if (column[i] >= floor) out.add(column[i]);
      if (column.length && column[0] >= floor) out.add(column[0]);
    }
  }
  return [...out].sort((a, b) => b - a);
}

function curves(which) {
  const roc = [{x: 0, y: 0}], pr = [];
  for (const t of curveThresholds(which)) {
    const f = figuresAt(which, t);
    if (isNumber(f.fpr) && isNumber(f.recall)) roc.push({x: f.fpr, y: f.recall});
    if (isNumber(f.precision) && isNumber(f.recall)) pr.push({x: f.recall, y: f.precision});
  }
  if (floor === 0 && roc.length > 1) roc.push({x: 1, y: 1});
  return {roc, pr};
}

function curveConfig(name, points, marker, x, y) {
  return {
    type: 'scatter',
    data: {
      datasets: [
        {
          label: 'this threshold',
          data: marker,
          pointRadius: 6,
          pointBackgroundColor: colour('bad'),
          borderColor: colour('bad')
        },
        {
          label: name,
          data: points,
          showLine: true,
          pointRadius: 0,
          borderColor: colour('accent'),
          borderWidth: 2
        },
      ]
    },
    options: {
      scales: {x: axis(x, 0, 1), y: axis(y, 0, 1)},
      plugins: {legend: {display: false}, tooltip: {enabled: false}}
    },
  };
}

const thresholdState = {
  which: '0',
  threshold: 0.5
};

// What the threshold is of: a class, a label, or an average of all labels.
function thresholdOptions() {
  const options = report.classes.map((name, k) => [String(k), name]);
  if (multi)
    options.unshift(
        ['micro', 'all labels (micro average)'], ['macro', 'all labels (macro average)']);
  return options;
}

function figureTiles(f) {
  const tile = (key, name, text) =>
      el('div', {class: 'figure', 'data-figure': key}, el('span', {}, name), el('b', {}, text));
  return [
    tile('tp', 'true positives', count(f.tp)), tile('fp', 'false positives', count(f.fp)),
    tile('fn', 'false negatives', count(f.fn)), tile('tn', 'true negatives', count(f.tn)),
    tile('precision', 'precision', fixed(f.precision)), tile('recall', 'recall', fixed(f.recall)),
    tile('f1', 'F1', fixed(f.f1)), tile('fpr', 'false positive rate', fixed(f.fpr))
  ];
}

function areasText(which) {
  const row = (report.metrics.per_class || [])[Number(which)];
  if (!row) return '';
  const used = multi ? `, threshold in use ${fixed(row.threshold)}` : '';
  return `Average precision ${fixed(row.average_precision)}, ROC AUC ${fixed(row.roc_auc)}${used}.`;
}

// The slider and the number beside it; changed() is called when either was.
function thresholdInputs(changed) {
  const step = grid ? 1 / steps : 0.001, state = thresholdState;
  const slider = el(
      'input', {type: 'range', id: 'threshold', min: floor, max: 1, step, value: state.threshold});
  const number = el('input', {
    type: 'number',
    id: 'threshold-number',
    min: floor,
    max: 1,
    step: grid ? step : 'any',
    value: state.threshold
  });
  const set = (value) => {
    if (!isNumber(value)) return;
    const inside = Math.min(1, Math.max(floor, value));
    state.threshold = grid ? Math.round(inside * steps) / steps : inside;
    slider.value = state.threshold;
    changed();
  };
  slider.addEventListener('input', () => {
    set(Number(slider.value));
    number.value = state.threshold;
  });
  number.addEventListener('input', () => {
    if (number.value !== '') set(Number(number.value));
  });
  return {slider, number};
}

function thresholdNotes() {
  return [
    grid ? `Counts at steps of ${1 / steps} over all ${count(report.samples)} samples.` : '',
    floor ? `Probabilities below ${floor} are left out of this page: thresholds begin there.` : ''
  ].join(' ')
      .trim();
}

// The two curves in their places: redraw() after another class, move() after another threshold.
function thresholdCharts(left, side) {
  const state = thresholdState;
  let drawn = null;  // the curves, and of what
  const lines = () => {
    if (!drawn || drawn.which !== state.which) drawn = {which: state.which, ...curves(state.which)};
    return drawn;
  };
  const point = (x, y) => {
    const f = figuresAt(state.which, state.threshold);
    return [{x: f[x], y: f[y]}];
  };
  const pr = chart(
      left, 'Precision-recall curve',
      () => curveConfig(
          'precision', lines().pr, point('recall', 'precision'), 'recall', 'precision'));
  const roc = chart(
      side, 'ROC curve',
      () => curveConfig(
          'true positive rate', lines().roc, point('fpr', 'recall'), 'false positive rate',
          'true positive rate'));
  return {
    redraw() {
      pr.redraw();
      roc.redraw();
    },
    move() {
      pr.move(0, point('recall', 'precision'));
      roc.move(0, point('fpr', 'recall'));
    }
  };
}

function showThresholds() {
  if (!report.probability) return;
  addToNav('thresholds', 'Thresholds');
  const state = thresholdState, section = byId('thresholds');
  state.threshold = Math.max(state.threshold, floor);
  if (multi) state.which = 'micro';
  const figures = el('div', {class: 'tiles', id: 'threshold-figures', 'aria-live': 'polite'});
  const summary = el('p', {class: 'quiet', id: 'threshold-summary'});
  const left = el('div', {}, el('h3', {}, 'Precision and recall')),
        side = el('div', {}, el('h3', {}, 'ROC'));
  const update = () => {
    figures.replaceChildren(...figureTiles(figuresAt(state.which, state.threshold)));
    summary.textContent = areasText(state.which);
    charts.move();
  };
  const {slider, number} = thresholdInputs(update);
  const which = select(multi ? 'Label' : 'Class', thresholdOptions(), (value) => {
    state.which = value;
    update();
    charts.redraw();
  });
  which.node.id = 'threshold-class';
  section.append(
      el('div', {class: 'controls'}, which.label, el('label', {}, 'Threshold', number)),
      el('label',
         { for: 'threshold'
         },
         'p ≥ threshold counts as the ' + (multi ? 'label' : 'class')),
      slider, summary, figures, el('p', {class: 'quiet'}, thresholdNotes()),
      el('div', {class: 'columns'}, left, side));
  const charts = thresholdCharts(left, side);
  update();
}
