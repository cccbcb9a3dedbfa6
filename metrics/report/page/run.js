// The run's arguments, its data's fingerprint, machine and versions.
'use strict';

function factList(facts) {
  return el(
      'dl', {class: 'facts'},
      ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, nameNode(value))]));
}

function showRun() {
  addToNav('run', 'Run');
  const section = byId('run');
  section.append(
      el('h3', {}, 'Machine and versions'),
      factList([['folder', report.folder], ...report.environment]));
  if (report.args.length)
    section.append(
        el('details', {}, el('summary', {}, `${report.args.length} arguments`),
           factList(report.args)));
  const s = report.sprites;
  section.append(
      el('p', {class: 'quiet'},
         s ? `Pictures are copies of at most ${
                 Math.max(s.width, s.height)} pixels a side, JPEG quality ${s.quality}.` :
             'This report has no pictures.'));
}
