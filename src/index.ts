/**
 * Detecting altered faces, in Node and in a page: what applications use.
 * @module llsm
 */
export { LlsmError } from './base/errors.ts';
export { version } from './base/version.ts';
export { type Config, type ConfigInput, parseConfig } from './config/config.ts';
export {
  type DetectOptions,
  Detector,
  type Examination,
  type LoadOptions,
  type LoadProgress,
  loadFaceFinder,
  openPicture,
  type Picture,
} from './detect/detector.ts';
export {
  type ExaminedFace,
  Examiner,
  type ExaminerOptions,
  type FoundCrop,
} from './detect/examiner.ts';
export type {
  FaceFinding,
  FacePictures,
  FaceVerdict,
  Finding,
  FrameFinding,
  TrackFinding,
  Verdict,
  VideoFace,
  VideoFinding,
  VideoTimes,
  View,
} from './detect/finding.ts';
export type { Cam } from './detect/gradcam.ts';
export { filesAt, type Host, provideHost, type ReadOptions, type Source } from './detect/host.ts';
export { findingPanel, type Shown, shown, wholePicture } from './detect/pictures.ts';
export { type VideoRule, videoRules } from './detect/pooling.ts';
export { type CaseAbout, type CasePictures, caseReport } from './detect/report/case.ts';
export { type Detection, FaceScorer, type ScorerOptions } from './detect/scorer.ts';
export { judge, maskThreshold, meaningInWords, scope, thresholdInWords } from './detect/verdict.ts';
export {
  examineVideo,
  type SeenFace,
  type SeenFrame,
  type TimedFrame,
  type VideoOptions,
} from './detect/video.ts';
export { type ViewName, viewNames } from './detect/views.ts';
export { type FinderOptions, NetworkFinder } from './faces/network-finder.ts';
export {
  cutMirrored,
  type FaceFinder,
  FixedPlace,
  type FoundFace,
  faceSquare,
} from './faces/place.ts';
export { describeGpu, type Gpu, gpuOf, type OpenOptions, openGpu } from './gpu/device.ts';
export { codecFiles, decodeImage, provideCodecs } from './image/codecs.ts';
export type { Drawing } from './image/layout.ts';
export { paint, paintFiles, providePaint } from './image/paint.ts';
export type { GreyImage, RgbImage } from './image/rgb.ts';
export {
  type Checkpoint,
  checkpointToSafetensors,
  parseCheckpoint,
  type Threshold,
} from './model/llsm/checkpoint.ts';
export { type OpenCheckpoint, openCheckpoint } from './model/llsm/open-checkpoint.ts';
export { type HostTensor, parseSafetensors } from './model/safetensors.ts';
export { type Journal, type Meter, shipped, type TrainingState } from './train/state.ts';
export { type Preview, type TrainOptions, train } from './train/train.ts';
export { Trainer } from './train/trainer.ts';
