'use strict';

// Does steps in a process of its own, prints what each gave as a line of JSON, and leaves the rest
// to Node:
//   node tests/js/children/process.js MODEL load start:preload exit

const { runSteps } = require('./steps.js');

const [path, ...steps] = process.argv.slice(2);
runSteps(path, steps, (result) => console.log(JSON.stringify(result)));
