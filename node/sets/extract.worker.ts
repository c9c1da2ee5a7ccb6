/** A thread that makes faces of clips: decodes, crops, encodes and writes. */
import { serve } from '../system/threads.ts';
import type { Clip } from './clip.ts';
import { type ExtractOptions, extractClip } from './extract.ts';

serve((options: ExtractOptions) => (clip: Clip) => extractClip(clip, options));
