// The confusion matrix; with several labels, what became of each. A cell shows its samples.
'use strict';

const mostClasses = 30;  // in the matrix: what a person can take in
const outcomes = ['true positive', 'false positive', 'false negative', 'true negative'];

// All, or where there are too many those of the most confused pairs.
function matrixClasses() {
  const all = [...report.classes.keys()];
  const some = new Set();
  for (const k of [...report.pairs.flatMap(([t, p]) => [t, p]), ...all])
    if (some.size < mostClasses) some.add(k);
  return all.filter((k) => some.has(k));
}

// {rows, columns, counts[row][column], filter(row, column), good(row, column)}
function matrixData() {
  if (multi) {
    const counts = report.confusion.map((row) => row.slice(1));
    const sum = (values) => values.reduce((a, b) => a + b, 0), row = counts.map(sum);
    return {
      rows: report.classes,
      columns: outcomes,
      counts,
      sums: {
        row,
        column: outcomes.map((_, c) => sum(counts.map((r) => r[c]))),
        all: sum(row),
      },
      filter: (r, c) =>
          ({truth: r, truthHas: c === 0 || c === 2, predicted: r, predictedHas: c < 2}),
      good: (r, c) => c === 0 || c === 3,
    };
  }
  const classes = matrixClasses(), place = new Map(classes.map((k, at) => [k, at]));
  const counts = classes.map(() => new Float64Array(classes.length));
  const ofRow = new Float64Array(classes.length), ofColumn = new Float64Array(classes.length);
  for (const [t, p, n] of report.confusion) {  // shares are of all samples, shown or not
    if (place.has(t)) ofRow[place.get(t)] += n;
    if (place.has(p)) ofColumn[place.get(p)] += n;
    if (place.has(t) && place.has(p)) counts[place.get(t)][place.get(p)] = n;
  }
  return {
    sums: {row: ofRow, column: ofColumn, all: report.confusion.reduce((a, [, , n]) => a + n, 0)},
    rows: classes.map(className),
    columns: classes.map(className),
    counts,
    filter: (r, c) => ({truth: classes[r], predicted: classes[c]}),
    good: (r, c) => r === c,
  };
}

// What the counts are divided by.
function divisor(data, kind) {
  const {row, column, all} = data.sums;
  return {row: (r) => row[r], column: (r, c) => column[c], all: () => all, count: () => 1}[kind];
}

// The colour of each cell: shares of what is right towards the accent, of mistakes towards the
// other colour. Mistakes are coloured against the most frequent one, so that it stands out in good
// models too.
function matrixColours(data, kind) {
  const scale = divisor(data, kind === 'column' ? 'column' : 'row');
  const card = channels(colour('card')), good = channels(colour('accent')),
        bad = channels(colour('bad'));
  const share = (r, c) => data.counts[r][c] / scale(r, c) || 0;
  let worst = 0;
  data.rows.forEach((_, r) => data.columns.forEach((__, c) => {
    if (!data.good(r, c)) worst = Math.max(worst, share(r, c));
  }));
  const strength = (r, c) => data.counts[r][c] ? 0.06 + 0.74 * share(r, c) / worst : 0;
  return (r, c) =>
             data.good(r, c) ? mix(card, good, 0.75 * share(r, c)) : mix(card, bad, strength(r, c));
}

function matrixCell(data, r, c, text, rgb) {
  const row = data.rows[r], column = data.columns[c], n = count(data.counts[r][c]);
  const what = multi ? `${row}: ${column}` : `true ${row}, predicted ${column}`;
  const cell =
      el('td', {
        role: 'gridcell',
        tabindex: '-1',
        'data-row': r,
        'data-column': c,
        'aria-selected': 'false',
        'aria-label': multi ? `${what}, ${n} samples` : `${what}: ${n} samples`,
        title: `${what}: ${n}`
      },
         text);
  cell.style.backgroundColor = `rgb(${rgb.join(' ')})`;
  cell.style.color = inkOn(rgb);
  return cell;
}

function matrixHead(data) {
  const tall = data.columns.length > 6;
  return el(
      'tr', {}, el('th', {scope: 'col'}, multi ? 'label' : 'true ↓ predicted →'),
      ...data.columns.map(
          (name) => el('th', {scope: 'col', class: tall && 'tall'}, nameNode(name))));
}

function matrixTable(data, kind) {
  const by = divisor(data, kind), colours = matrixColours(data, kind), cells = [];
  const shown = (r, c) => {
    const n = data.counts[r][c];
    return kind === 'count' ? count(n) : n === 0 ? '0' : (100 * n / by(r, c)).toFixed(1);
  };
  const body = data.rows.map((name, r) => {
    const row = data.columns.map((_, c) => matrixCell(data, r, c, shown(r, c), colours(r, c)));
    cells.push(...row);
    return el('tr', {}, el('th', {scope: 'row', title: name}, nameNode(name)), ...row);
  });
  cells[0].tabIndex = 0;
  const table =
      el('table', {class: 'matrix', role: 'grid', 'aria-label': 'Confusion matrix'},
         el('thead', {}, matrixHead(data)), el('tbody', {}, ...body));
  const choose = (cell) => {
    cells.forEach((other) => {
      other.tabIndex = other === cell ? 0 : -1;
      other.setAttribute('aria-selected', String(other === cell));
    });
    showSamples(data.filter(Number(cell.dataset.row), Number(cell.dataset.column)));
  };
  table.addEventListener('click', (event) => {
    const cell = event.target.closest('td');
    if (cell) choose(cell);
  });
  table.addEventListener(
      'keydown', (event) => matrixKey(event, cells, data.columns.length, choose));
  return table;
}

// Arrow keys move from cell to cell, Enter and space show a cell's samples.
function matrixKey(event, cells, width, choose) {
  const at = cells.indexOf(event.target);
  if (at < 0) return;
  if (event.key === 'Enter' || event.key === ' ') {
    choose(cells[at]);
  } else {
    const column = at % width;
    const step = {
      ArrowRight: column < width - 1 ? 1 : 0,
      ArrowLeft: column > 0 ? -1 : 0,
      ArrowDown: width,
      ArrowUp: -width,
      Home: -column,
      End: width - 1 - column
    }[event.key];
    const next = step === undefined ? undefined : cells[at + step];
    if (step === undefined) return;
    if (next) {
      cells[at].tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
  }
  event.preventDefault();
}

function showMatrix() {
  addToNav('confusion', 'Confusion');
  const section = byId('confusion'), data = matrixData(), holder = el('div', {class: 'scroll'});
  let kind = 'count';
  const draw = () => holder.replaceChildren(matrixTable(data, kind));
  const kinds = select(
      'Numbers',
      [
        ['count', 'samples'], ['row', '% of the row (true)'],
        ['column', '% of the column (predicted)'], ['all', '% of all']
      ],
      (value) => {
        kind = value;
        draw();
      });
  kinds.node.id = 'matrix-kind';
  const left = el(
      'div', {}, el('div', {class: 'controls'}, kinds.label), holder,
      el('p', {class: 'quiet'},
         'A cell shows its samples below.' +
             (!multi && classCount > mostClasses ?
                  ` Of ${count(classCount)} classes, ${mostClasses} of the most confused pairs.` :
                  '')));
  const side =
      el('div', {id: 'pairs'}, el('h3', {}, 'Most confused pairs'),
         report.pairs.length ? pairsTable() : el('p', {}, 'None.'));
  section.append(el('div', {class: 'columns'}, left, side));
  draw();
  onTheme(draw);
}
