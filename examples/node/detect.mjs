// node detect.mjs photo.jpg
import { Detector } from 'llsm';

const detector = await Detector.load();
const { verdict, faces } = await detector.detect(process.argv[2]);
console.log(verdict);
for (const { box, probability, views } of faces) {
  const scores = views.map((view) => view.probability.toFixed(3)).join(' ');
  console.log(`${probability?.toFixed(3)} at ${box?.map(Math.round)}; in its views ${scores}`);
}
detector.dispose();
process.exit(); // Dawn keeps the process alive.
