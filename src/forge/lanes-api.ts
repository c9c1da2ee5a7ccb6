/** What `lanes/` exports: pointers are places in scratch memory, and its files say what they lead to. */
type Work = (...given: number[]) => void;

export interface Lanes {
  widen(from: number, to: number, count: number): void;
  narrow(from: number, to: number, count: number, factor: number): void;
  round(data: number, count: number): void;
  stretch(data: number, count: number, less: number, factor: number): number;
  curve(data: number, count: number, table: number): void;
  noise: Work;
  mirror(data: number, width: number, height: number, line: number): void;
  sum(data: number, count: number): number;
  recolour: Work;
  recolourEach(data: number, count: number, line: number): void;
  moments(data: number, mask: number, pixels: number, out: number): void;
  layOver: Work;
  blur: Work;
  runningBlur(data: number, width: number, height: number, radius: number, room: number): void;
  resample: Work;
  sample: Work;
  loseToJpeg: Work;
  pad(from: number, width: number, height: number, padded: number, stride: number): void;
  bilateral: Work;
  median(from: number, width: number, height: number, to: number, room: number): void;
  twice: Work;
}
