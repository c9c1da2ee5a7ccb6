import { Detector, filesAt } from 'llsm';

// The networks and codecs are not code: `npm run prepare-files` puts them into public/llsm.
filesAt('/llsm/');

const said = document.querySelector('pre');
const detector = await Detector.load();
said.textContent = 'ready';
document.querySelector('input').addEventListener('change', async ({ target }) => {
  const { verdict, faces } = await detector.detect(target.files[0]);
  said.textContent = `${verdict}\n${faces.map((face) => face.probability?.toFixed(3)).join('\n')}`;
});
