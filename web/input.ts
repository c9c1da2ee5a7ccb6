/** Ways in which a picture comes to the page: chosen, dropped, pasted, filmed, or one of the samples. */
import { $, element } from './dom.ts';

/** What came, and what it is called. */
export interface Given {
  picture: Blob | ImageData;
  name: string;
}

const samples: readonly { file: string; about: string }[] = [
  { file: 'anna.jpg', about: 'Anna, as drawn' },
  { file: 'anna-mouth.jpg', about: 'Anna with another’s mouth' },
  { file: 'ben.jpg', about: 'Ben, as drawn' },
  { file: 'ben-face.jpg', about: 'Ben with another’s face' },
  { file: 'carl.jpg', about: 'Carl, as drawn' },
  { file: 'carl-mouth.jpg', about: 'Carl with another’s mouth' },
];

export interface Handlers {
  onPicture(given: Given): void;
  onVideo(file: File): void;
  onWeights(file: File): void;
  onProblem(message: string): void;
}

const isWeights = ({ name }: File) => /\.safetensors$/i.test(name);
const isVideo = ({ name, type }: File) =>
  type.startsWith('video/') || /\.(mp4|m4v|mov|webm|mkv)$/i.test(name);

/** Takes in whatever is given from now on. */
export function takeIn({ onPicture, onVideo, onWeights, onProblem }: Handlers): void {
  const take = (files: Iterable<File>) => {
    const [file, more] = files;
    if (!file) return;
    if (more) onProblem('Several files were given; this is the first. One is looked at a time.');
    if (isWeights(file)) onWeights(file);
    else if (isVideo(file)) onVideo(file);
    else onPicture({ picture: file, name: file.name });
  };
  for (const [button, input] of [
    ['choose', 'file'],
    ['choose-weights', 'weights-file'],
  ]) {
    const field = $<HTMLInputElement>(input);
    $(button).addEventListener('click', () => field.click());
    field.addEventListener('change', () => {
      take([...(field.files ?? [])]);
      field.value = '';
    });
  }
  addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) document.body.classList.remove('dropping');
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dropping');
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length === 0)
      onProblem('What was dropped is no file. Save the picture first, then drop it.');
    take(files);
  });
  addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) take(files.map((file) => new File([file], file.name || 'pasted')));
  });
  listSamples(onPicture, onProblem);
  film(onPicture, onProblem);
}

function listSamples(onPicture: Handlers['onPicture'], onProblem: Handlers['onProblem']): void {
  for (const { file, about } of samples) {
    const image = element('img', { src: `samples/${file}`, alt: '', width: 100, height: 100 });
    const button = element('button', { type: 'button', title: about }, image, about);
    button.addEventListener('click', async () => {
      const response = await fetch(`samples/${file}`).catch(() => undefined);
      if (response?.ok) onPicture({ picture: await response.blob(), name: file });
      else onProblem(`The sample ${file} could not be fetched. Reload the page.`);
    });
    $('samples').append(element('li', {}, button));
  }
}

/** The camera, in a dialog: it is off whenever that is closed. */
function film(onPicture: Handlers['onPicture'], onProblem: Handlers['onProblem']): void {
  const dialog = $<HTMLDialogElement>('camera');
  const video = $<HTMLVideoElement>('film-view');
  let stream: MediaStream | undefined;
  dialog.addEventListener('close', () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = undefined;
    video.srcObject = null;
  });
  $('camera-close').addEventListener('click', () => dialog.close());
  $('film').addEventListener('click', async () => {
    try {
      if (!navigator.mediaDevices) throw new Error('this page is not from https or this machine');
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
    } catch (error) {
      const why = (error as Error).message;
      onProblem(
        `The camera cannot be used (${why}). Allow it in the browser, or choose a picture.`,
      );
      return;
    }
    dialog.showModal();
    video.srcObject = stream;
    await video.play().catch(() => {});
  });
  $('shoot').addEventListener('click', () => {
    const { videoWidth: width, videoHeight: height } = video;
    if (width === 0) return;
    const canvas = element('canvas', { width, height });
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    context.drawImage(video, 0, 0);
    onPicture({ picture: context.getImageData(0, 0, width, height), name: 'camera' });
    dialog.close();
  });
}
