// SPDX-License-Identifier: EUPL-1.2
// The first connection of a page costs the browser more than every later one: it starts threads, makes a certificate
// and looks up its codecs. That is done while somebody still looks at their picture.

/** Makes an offer that nobody gets. No address is gathered and nothing is sent. */
export async function warmUpConnections(): Promise<void> {
  const connection = new RTCPeerConnection();
  try {
    connection.addTransceiver('audio');
    connection.addTransceiver('video');
    await connection.createOffer();
  } finally {
    connection.close();
  }
}
