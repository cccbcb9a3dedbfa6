// The table of classes, and the pairs that are confused most.
'use strict';

function showClasses() {
  addToNav('classes', 'Classes');
  const rows = (report.metrics.per_class || []).map((row, k) => ({...row, k}));
  const number = (name, key) => ({name, value: (r) => r[key], show: (r) => fixed(r[key])});
  const columns = [
    {
      name: multi ? 'Label' : 'Class',
      text: true,
      value: (r) => String(r.name),
      show: (r) =>
          el('button', {
            type: 'button',
            class: 'link',
            onclick: () => showSamples({truth: report.classes.indexOf(r.name)})
          },
             nameNode(String(r.name))),
    },
    number('Precision', 'precision'),
    number('Recall', 'recall'),
    number('F1', 'f1'),
    {name: 'Samples', value: (r) => r.support, show: (r) => count(r.support || 0)},
    number('Average precision', 'average_precision'),
    number('ROC AUC', 'roc_auc'),
  ];
  if (multi) columns.push(number('Threshold', 'threshold'));
  const order = rows.length > 0 ? 3 : 0;
  byId('classes').append(
      sortedTable('Figures of each class', columns, rows, order, true));  // the worst first
}

function pairsTable() {
  const total = report.positives;
  const columns = [
    {
      name: multi ? 'Missed' : 'True',
      text: true,
      value: (r) => className(r[0]),
      show: (r) => nameNode(className(r[0]))
    },
    {
      name: multi ? 'Added' : 'Predicted',
      text: true,
      value: (r) => className(r[1]),
      show: (r) => nameNode(className(r[1]))
    },
    {
      name: 'Samples',
      value: (r) => r[2],
      show: (r) =>
          el('button', {
            type: 'button',
            class: 'link',
            'aria-label':
                `show ${r[2]} samples: true ${className(r[0])}, predicted ${className(r[1])}`,
            onclick: () =>
                showSamples(multi ? {missed: r[0], added: r[1]} : {truth: r[0], predicted: r[1]})
          },
             count(r[2])),
    },
    {
      name: 'Of the class',
      value: (r) => r[2] / total[r[0]],
      show: (r) => percent(r[2] / total[r[0]])
    },
  ];
  return sortedTable('Most confused pairs', columns, report.pairs, 2);
}
