// Elements, numbers as text, colours. Text enters the page as text only.
'use strict';

const byId = (id) => document.getElementById(id);

// el("button", {class: "x", onclick: f}, "text", child): attributes, on... handlers, children.
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on'))
      node.addEventListener(name.slice(2), value);
    else
      node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}
// A name of somebody's making: it may run from right to left.
const nameNode = (text) => el('bdi', {class: 'name'}, text);

const isNumber = (x) => typeof x === 'number' && Number.isFinite(x);
const fixed = (x, digits = 4) => (isNumber(x) ? x.toFixed(digits) : '–');
const percent = (x, digits = 1) => (isNumber(x) ? (100 * x).toFixed(digits) + ' %' : '–');
const count = (n) => n.toLocaleString('en');

function option(value, text, selected) {
  const node = el('option', {value}, text);
  node.selected = Boolean(selected);
  return node;
}
function select(label, options, onchange) {
  const node = el('select', {onchange: () => onchange(node.value)});
  for (const [value, text] of options) node.append(option(value, text));
  return {node, label: el('label', {}, label, node)};
}
const classOptions =
    (first) => [['-1', first], ...report.classes.map((name, k) => [String(k), name])];

// What a colour of the style sheet is now.
function colour(name) {
  const probe = el('span', {});
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
const channels = (css) => css.match(/[\d.]+/g).slice(0, 3).map(Number);
const mix = (a, b, share) => a.map((v, i) => Math.round(v + (b[i] - v) * share));
// Black or white, whichever is read better on the colour (WCAG's relative luminance).
function inkOn(rgb) {
  const [r, g, b] =
      rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
}
// At least 3:1 against the cards of both themes.
const palette = [
  '#4e79a7', '#d1610c', '#d94a4c', '#2e948d', '#458f3c', '#977b00', '#9467bd', '#e0559b', '#8b7355',
  '#808080'
];
const classColour = (k) =>
    (classCount <= palette.length ? palette[k] : `oklch(0.62 0.14 ${(k * 137.508) % 360})`);

// Charts are drawn when they come into view, and again when the colours change.
const charts = [];
const comesIntoView = new IntersectionObserver((entries) => {
  for (const {isIntersecting, target} of entries) {
    if (!isIntersecting) continue;
    comesIntoView.unobserve(target);
    drawChart(charts.find((entry) => entry.canvas === target));
  }
}, {rootMargin: '300px'});

function chart(holder, label, makeConfig) {
  const canvas = el('canvas', {role: 'img', 'aria-label': label});
  holder.append(el('div', {class: 'chart'}, canvas));
  const entry = {canvas, makeConfig, chart: null};
  charts.push(entry);
  comesIntoView.observe(canvas);
  return {
    redraw: () => {
      if (entry.chart) drawChart(entry);
    },
    // Replaces the data of one of its lines.
    move: (line, data) => {
      if (entry.chart) {
        entry.chart.data.datasets[line].data = data;
        entry.chart.update('none');
      }
    },
  };
}
function drawChart(entry) {
  Chart.defaults.color = colour('quiet');
  Chart.defaults.borderColor = colour('line');
  const config = entry.makeConfig();
  config.options =
      {animation: false, responsive: true, maintainAspectRatio: false, ...config.options};
  if (entry.chart) entry.chart.destroy();
  entry.chart = new Chart(entry.canvas, config);
}
window.addEventListener(
    'beforeprint', () => charts.forEach((entry) => entry.chart || drawChart(entry)));

const axis = (text, min, max) => ({type: 'linear', min, max, title: {display: true, text}});

// A table whose columns sort: columns [{name, value(row), show(row), text}], rows any.
function sortedTable(caption, columns, rows, first, ascending = columns[first].text === true) {
  const body = el('tbody', {});
  let by = first, down = !ascending;
  const heads = columns.map(
      (column, at) =>
          el('th', {scope: 'col', class: column.text && 'text'},
             el('button', {
               type: 'button',
               onclick: () => {
                 down = at === by ? !down : column.text !== true;
                 by = at;
                 fill();
               }
             },
                column.name)));
  function fill() {
    const key = columns[by].value, sign = down ? -1 : 1;
    const order = [...rows].sort((a, b) => {
      const x = key(a), y = key(b);
      if (typeof x === 'string') return sign * (x < y ? -1 : x > y ? 1 : 0);
      if (!isNumber(x) || !isNumber(y)) return (isNumber(y) ? 1 : 0) - (isNumber(x) ? 1 : 0);
      return sign * (x - y);
    });
    heads.forEach(
        (head, at) => head.setAttribute(
            'aria-sort',
            at !== by ? 'none' :
                down  ? 'descending' :
                        'ascending'));
    body.replaceChildren(...order.map(
        (row) =>
            el('tr', {},
               ...columns.map(
                   (column) => el('td', {class: column.text && 'text'}, column.show(row))))));
  }
  fill();
  return el(
      'div', {class: 'scroll'},
      el('table', {'aria-label': caption}, el('thead', {}, el('tr', {}, ...heads)), body));
}

function addToNav(id, text) {
  byId(id).hidden = false;
  byId('nav').append(el('a', {href: '#' + id}, text));
}
