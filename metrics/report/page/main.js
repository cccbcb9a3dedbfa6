// Puts the page together.
'use strict';

const themeListeners = [];
function onTheme(listener) { themeListeners.push(listener); }
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const isDark = () =>
    (document.documentElement.dataset.theme || (dark.matches ? 'dark' : 'light')) === 'dark';

function themeChanged() {
  byId('theme').textContent = isDark() ? 'Light' : 'Dark';
  charts.forEach((entry) => entry.chart && drawChart(entry));
  themeListeners.forEach((listener) => listener());
}
byId('theme').addEventListener('click', () => {
  document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
  themeChanged();
});
dark.addEventListener('change', themeChanged);

showComparison();
showHeadline();
showMatrix();
showGallery();
showClasses();
showThresholds();
showCalibration();
showMap();
showTraining();
showRun();
byId('theme').textContent = isDark() ? 'Light' : 'Dark';
setFilter({sort: 'order'});
prepareSample();
document.documentElement.dataset.ready = String(performance.now());
