// SPDX-License-Identifier: EUPL-1.2
// The icons in use, as the path of a Material Symbol. Only what is named here ends up in the build.
import block from '@material-symbols/svg-400/rounded/block.svg?raw';
import call from '@material-symbols/svg-400/rounded/call-fill.svg?raw';
import callEnd from '@material-symbols/svg-400/rounded/call_end-fill.svg?raw';
import callMissed from '@material-symbols/svg-400/rounded/phone_missed-fill.svg?raw';
import callPaused from '@material-symbols/svg-400/rounded/phone_paused-fill.svg?raw';
import chat from '@material-symbols/svg-400/rounded/chat.svg?raw';
import chatOpen from '@material-symbols/svg-400/rounded/chat-fill.svg?raw';
import chevronLeft from '@material-symbols/svg-400/rounded/chevron_left.svg?raw';
import chevronRight from '@material-symbols/svg-400/rounded/chevron_right.svg?raw';
import close from '@material-symbols/svg-400/rounded/close.svg?raw';
import contrast from '@material-symbols/svg-400/rounded/contrast.svg?raw';
import dialpad from '@material-symbols/svg-400/rounded/dialpad.svg?raw';
import edit from '@material-symbols/svg-400/rounded/edit.svg?raw';
import error from '@material-symbols/svg-400/rounded/error.svg?raw';
import fullscreen from '@material-symbols/svg-400/rounded/fullscreen.svg?raw';
import fullscreenExit from '@material-symbols/svg-400/rounded/fullscreen_exit.svg?raw';
import group from '@material-symbols/svg-400/rounded/group.svg?raw';
import groupOpen from '@material-symbols/svg-400/rounded/group-fill.svg?raw';
import hand from '@material-symbols/svg-400/rounded/back_hand-fill.svg?raw';
import hourglass from '@material-symbols/svg-400/rounded/hourglass.svg?raw';
import language from '@material-symbols/svg-400/rounded/language.svg?raw';
import inTalk from '@material-symbols/svg-400/rounded/phone_in_talk-fill.svg?raw';
import lock from '@material-symbols/svg-400/rounded/lock-fill.svg?raw';
import lockOpen from '@material-symbols/svg-400/rounded/lock_open.svg?raw';
import mic from '@material-symbols/svg-400/rounded/mic-fill.svg?raw';
import micOff from '@material-symbols/svg-400/rounded/mic_off-fill.svg?raw';
import person from '@material-symbols/svg-400/rounded/person-fill.svg?raw';
import personAdd from '@material-symbols/svg-400/rounded/person_add.svg?raw';
import personRemove from '@material-symbols/svg-400/rounded/person_remove.svg?raw';
import ringing from '@material-symbols/svg-400/rounded/ring_volume-fill.svg?raw';
import screenShare from '@material-symbols/svg-400/rounded/present_to_all.svg?raw';
import screenShareStop from '@material-symbols/svg-400/rounded/cancel_presentation.svg?raw';
import search from '@material-symbols/svg-400/rounded/search.svg?raw';
import send from '@material-symbols/svg-400/rounded/send-fill.svg?raw';
import settings from '@material-symbols/svg-400/rounded/settings.svg?raw';
import speakAllowed from '@material-symbols/svg-400/rounded/record_voice_over.svg?raw';
import speakForbidden from '@material-symbols/svg-400/rounded/voice_over_off.svg?raw';
import speaking from '@material-symbols/svg-400/rounded/graphic_eq.svg?raw';
import videocam from '@material-symbols/svg-400/rounded/videocam-fill.svg?raw';
import videocamOff from '@material-symbols/svg-400/rounded/videocam_off-fill.svg?raw';
import volumeOff from '@material-symbols/svg-400/rounded/volume_off.svg?raw';
import volumeUp from '@material-symbols/svg-400/rounded/volume_up.svg?raw';
import warning from '@material-symbols/svg-400/rounded/warning.svg?raw';
import weakCall from '@material-symbols/svg-400/rounded/signal_cellular_connected_no_internet_4_bar-fill.svg?raw';
import weakSignal from '@material-symbols/svg-400/rounded/signal_wifi_bad-fill.svg?raw';
import wifiOff from '@material-symbols/svg-400/rounded/wifi_off.svg?raw';

const svgs = {
  block,
  call,
  callEnd,
  callMissed,
  callPaused,
  chat,
  chatOpen,
  chevronLeft,
  chevronRight,
  close,
  contrast,
  dialpad,
  edit,
  error,
  fullscreen,
  fullscreenExit,
  group,
  groupOpen,
  hand,
  hourglass,
  language,
  inTalk,
  lock,
  lockOpen,
  mic,
  micOff,
  person,
  personAdd,
  personRemove,
  ringing,
  screenShare,
  screenShareStop,
  search,
  send,
  settings,
  speakAllowed,
  speakForbidden,
  speaking,
  videocam,
  videocamOff,
  volumeOff,
  volumeUp,
  warning,
  weakCall,
  weakSignal,
  wifiOff,
};

export type IconName = keyof typeof svgs;

/** The drawing of an icon, on Material Symbols' grid of `0 -960 960 960`. */
export function iconPath(name: IconName): string {
  return / d="([^"]+)"/.exec(svgs[name])?.[1] ?? '';
}
