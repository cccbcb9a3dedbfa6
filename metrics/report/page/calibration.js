// The reliability diagram: how often the model is right where it says how sure it is.
'use strict';

// What a calibrated model promises, and what that is worth on these samples.
function promises() {
  const {prediction_sets: sets = [], answers = []} = report.metrics.calibration || {};
  const column = (name, key, show) => ({name, value: (r) => r[key], show: (r) => show(r[key])});
  const asked = column('Asked for', 'wanted', (v) => percent(v, 0));
  const out = [];
  if (sets.length) {
    const columns = [
      asked, column('Hold the truth', 'coverage', percent),
      column('Labels a set', 'mean_size', (v) => fixed(v, 2)), column('Empty', 'empty', percent)
    ];
    out.push(
        el('h3', {}, 'Prediction sets (taxon predict --coverage)'),
        sortedTable('Prediction sets', columns, sets, 0, true));
  }
  if (answers.length) {
    const columns = [
      asked, column('Answered', 'answered', percent), column('Of those right', 'accuracy', percent)
    ];
    out.push(
        el('h3', {}, 'Answers (taxon predict --accuracy)'),
        sortedTable('Answers', columns, answers, 0, true));
  }
  return el('div', {class: 'columns'}, ...out.length ? [el('div', {}, ...out)] : []);
}

function confidenceAxis() {
  const ticks = {min: 0, max: 1, offset: false, grid: {offset: false}};
  return {...axis(multi ? 'probability' : 'confidence'), ...ticks};
}

const middleOf = (at) => (at + 0.5) / report.reliability.bins.length;

function reliabilityConfig() {
  const bars = {
    label: 'accuracy',
    order: 1,
    data: report.reliability.bins.map((b, at) => ({x: middleOf(at), y: b[2]})),
    backgroundColor: colour('accent'),
    barPercentage: 1,
    categoryPercentage: 0.92
  };
  const diagonal = {
    type: 'scatter',
    showLine: true,
    label: 'perfect',
    order: 0,
    data: [{x: 0, y: 0}, {x: 1, y: 1}],
    pointRadius: 0,
    borderColor: colour('bad'),
    borderDash: [6, 4],
    borderWidth: 2
  };
  const y = axis(multi ? 'share that has the label' : 'accuracy', 0, 1);
  return {
    type: 'bar',
    data: {datasets: [diagonal, bars]},
    options: {scales: {x: confidenceAxis(), y}, plugins: {legend: {display: false}}},
  };
}

function confidencesConfig() {
  const bars = {
    label: 'predictions',
    data: report.reliability.bins.map((b, at) => ({x: middleOf(at), y: b[0]})),
    backgroundColor: colour('quiet'),
    barPercentage: 1,
    categoryPercentage: 0.92
  };
  return {
    type: 'bar',
    data: {datasets: [bars]},
    options: {
      scales: {x: confidenceAxis(), y: axis('predictions', 0)},
      plugins: {legend: {display: false}}
    },
  };
}

function showCalibration() {
  if (!report.reliability) return;
  addToNav('calibration', 'Calibration');
  const {bins, ece} = report.reliability, section = byId('calibration');
  const {calibration} = report.metrics, before = calibration && calibration.ece_before;
  section.append(
      el('p', {},
         `Expected calibration error ${fixed(ece)}` +
             (isNumber(before) ? ` (${fixed(before)} before calibration)` : '') +
             `, ${bins.length} bins of equal width. ` +
             (multi ? 'Of every label\'s probability: how often the label is there. ' : '') +
             'On the diagonal, a confidence of 80 % is right 8 times of 10.'));
  const left = el('div', {}), side = el('div', {});
  section.append(el('div', {class: 'columns'}, left, side));
  chart(left, 'Reliability diagram', reliabilityConfig);
  chart(side, 'Number of predictions by confidence', confidencesConfig);
  section.append(promises());
}
