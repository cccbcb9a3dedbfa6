// The curves of results.csv.
'use strict';

function trainingConfig(names, columns, rows) {
  return {
    type: 'scatter',
    data: {
      datasets: names.map((name, at) => ({
                            label: name,
                            showLine: true,
                            pointRadius: rows.length > 40 ? 0 : 3,
                            borderWidth: 2,
                            borderColor: palette[at],
                            backgroundColor: palette[at],
                            data: rows.map((row) => ({x: row[0], y: row[columns.indexOf(name)]}))
                                      .filter((p) => p.y !== null),
                          }))
    },
    options: {
      scales: {
        x: {...axis('epoch'), ticks: {precision: 0}},
        y: axis(names.length === 1 ? names[0] : '')
      }
    },
  };
}

function showTraining() {
  const results = report.results;
  if (!results || results.rows.length === 0) return;
  addToNav('training', 'Training');
  const {columns, rows} = results;
  const groups = [
    ['Loss', columns.filter((c) => c.endsWith('/loss'))],
    ['Figures', columns.filter((c) => c.startsWith('metrics/'))],
    ['Learning rate', columns.filter((c) => c === 'lr')]
  ];
  const holder = el('div', {class: 'columns'});
  byId('training').append(holder);
  for (const [title, names] of groups) {
    const filled = names.filter((name) => rows.some((row) => row[columns.indexOf(name)] !== null));
    if (filled.length === 0) continue;
    const box = el('div', {}, el('h3', {}, title));
    holder.append(box);
    chart(box, `${title} by epoch`, () => trainingConfig(filled, columns, rows));
  }
  const time = columns.indexOf('time'), last = rows[rows.length - 1];
  if (time >= 0 && isNumber(last[time]))
    byId('training')
        .append(el(
            'p', {class: 'quiet'}, `${rows.length} epochs in ${count(Math.round(last[time]))} s.`));
}
