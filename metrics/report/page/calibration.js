// The reliability diagram: how often the model is right where it says how sure it is.
'use strict';

function showCalibration() {
  if (!report.reliability) return;
  addToNav('calibration', 'Calibration');
  const {bins, ece} = report.reliability, section = byId('calibration');
  const middle = (at) => (at + 0.5) / bins.length;
  section.append(
      el('p', {},
         `Expected calibration error ${fixed(ece)}, ${bins.length} bins of equal width. ` +
             (multi ? 'Of every label\'s probability: how often the label is there. ' : '') +
             'On the diagonal, a confidence of 80 % is right 8 times of 10.'));
  const left = el('div', {}), side = el('div', {});
  section.append(el('div', {class: 'columns'}, left, side));
  const ticks = {min: 0, max: 1, offset: false, grid: {offset: false}};
  chart(
      left, 'Reliability diagram',
      () => ({
        type: 'bar',
        data: {
          datasets: [
            {
              type: 'scatter',
              showLine: true,
              label: 'perfect',
              order: 0,
              data: [{x: 0, y: 0}, {x: 1, y: 1}],
              pointRadius: 0,
              borderColor: colour('bad'),
              borderDash: [6, 4],
              borderWidth: 2
            },
            {
              label: 'accuracy',
              order: 1,
              data: bins.map((b, at) => ({x: middle(at), y: b[2]})),
              backgroundColor: colour('accent'),
              barPercentage: 1,
              categoryPercentage: 0.92
            },
          ]
        },
        options: {
          scales: {
            x: {...axis(multi ? 'probability' : 'confidence'), ...ticks},
            y: axis(multi ? 'share that has the label' : 'accuracy', 0, 1)
          },
          plugins: {legend: {display: false}}
        },
      }));
  chart(
      side, 'Number of predictions by confidence',
      () => ({
        type: 'bar',
        data: {
          datasets: [{
            label: 'predictions',
            data: bins.map((b, at) => ({x: middle(at), y: b[0]})),
            backgroundColor: colour('quiet'),
            barPercentage: 1,
            categoryPercentage: 0.92
          }]
        },
        options: {
          scales: {
            x: {...axis(multi ? 'probability' : 'confidence'), ...ticks},
            y: axis('predictions', 0)
          },
          plugins: {legend: {display: false}}
        },
      }));
}
