// SPDX-License-Identifier: EUPL-1.2
// Whether this browser can take part at all. Looked up by feature, never by name.

/** `secure`: the page was not loaded over https, so that browsers withhold microphone and camera. */
export type MissingFeature = 'secure' | 'webrtc' | 'media' | 'websocket';

/** What is missing; empty when everything is there. */
export function missingFeatures(scope: typeof globalThis = globalThis): MissingFeature[] {
  if (!scope.isSecureContext) return ['secure'];
  const missing: MissingFeature[] = [];
  if (typeof scope.RTCPeerConnection !== 'function') missing.push('webrtc');
  if (typeof scope.navigator.mediaDevices?.getUserMedia !== 'function') missing.push('media');
  if (typeof scope.WebSocket !== 'function') missing.push('websocket');
  return missing;
}
