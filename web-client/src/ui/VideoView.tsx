// SPDX-License-Identifier: EUPL-1.2
import { useEffect, useRef } from 'preact/hooks';
import type { VideoSource } from '../conference/model';

/** Shows a moving picture. Always silent: sound has its own elements, so that it goes on when a tile is not on screen. */
export function VideoView({ source, testId }: { source: VideoSource; testId?: string }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (element === null) return undefined;
    // As a property: the attribute alone does not silence an element that is made by script.
    element.muted = true;
    source.attach(element);
    return () => source.detach(element);
  }, [source]);
  return (
    <video
      ref={video}
      class={source.isMirrored ? 'video video-mirrored' : 'video'}
      autoPlay
      playsInline
      muted
      disablePictureInPicture
      aria-hidden="true"
      tabIndex={-1}
      data-testid={testId}
    />
  );
}

/** A source for a browser's own track, before there is a conference. */
export function trackSource(track: MediaStreamTrack, isMirrored: boolean): VideoSource {
  return {
    id: track.id,
    isMirrored,
    attach: (element) => {
      element.srcObject = new MediaStream([track]);
    },
    detach: (element) => {
      element.srcObject = null;
    },
  };
}
