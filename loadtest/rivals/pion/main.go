// SPDX-License-Identifier: EUPL-1.2

// A small SFU on pion, set up as pion's users do it: default codecs, default interceptors, default ports. It answers
// offers that are posted to /publish and /subscribe, forwards RTP, and passes requests for key frames on.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

// The rhythm in which servers of this kind pass requests for key frames on.
const keyFrameInterval = 500 * time.Millisecond

type track struct {
	*webrtc.TrackLocalStaticRTP
	publisher *webrtc.PeerConnection
	ssrc      uint32
	owner     string
	asked     time.Time
}

type room struct{ tracks []*track }

var (
	mutex   sync.Mutex
	rooms   = map[string]*room{}
	clients = map[string]*webrtc.PeerConnection{}
)

func (t *track) requestKeyFrame() {
	mutex.Lock()
	isDue := t.Kind() == webrtc.RTPCodecTypeVideo && time.Since(t.asked) >= keyFrameInterval
	if isDue {
		t.asked = time.Now()
	}
	mutex.Unlock()
	if isDue {
		_ = t.publisher.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: t.ssrc}})
	}
}

func publish(pc *webrtc.PeerConnection, name, id string) {
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		local, err := webrtc.NewTrackLocalStaticRTP(remote.Codec().RTPCodecCapability, remote.ID(), id)
		if err != nil {
			return
		}
		mutex.Lock()
		if rooms[name] == nil {
			rooms[name] = &room{}
		}
		own := &track{TrackLocalStaticRTP: local, publisher: pc, ssrc: uint32(remote.SSRC()), owner: id}
		rooms[name].tracks = append(rooms[name].tracks, own)
		mutex.Unlock()
		buffer := make([]byte, 1500)
		for {
			n, _, err := remote.Read(buffer)
			if err != nil {
				return
			}
			if _, err = local.Write(buffer[:n]); err != nil && err != io.ErrClosedPipe {
				return
			}
		}
	})
}

// The first tracks of others, as many of each kind as are wanted; nil while there are fewer.
func choose(name, id string, wanted map[webrtc.RTPCodecType]int) []*track {
	mutex.Lock()
	defer mutex.Unlock()
	chosen := []*track{}
	if rooms[name] != nil {
		for _, t := range rooms[name].tracks {
			if t.owner != id && wanted[t.Kind()] > 0 {
				wanted[t.Kind()]--
				chosen = append(chosen, t)
			}
		}
	}
	if wanted[webrtc.RTPCodecTypeAudio]+wanted[webrtc.RTPCodecTypeVideo] > 0 {
		return nil
	}
	return chosen
}

func subscribe(pc *webrtc.PeerConnection, chosen []*track) error {
	for _, t := range chosen {
		sender, err := pc.AddTrack(t)
		if err != nil {
			return err
		}
		go func(t *track) {
			for {
				packets, _, err := sender.ReadRTCP()
				if err != nil {
					return
				}
				for _, packet := range packets {
					switch packet.(type) {
					case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
						t.requestKeyFrame()
					}
				}
			}
		}(t)
	}
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			for _, t := range chosen {
				t.requestKeyFrame()
			}
		}
	})
	return nil
}

func answer(pc *webrtc.PeerConnection, offer string) (string, error) {
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	description, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err = pc.SetLocalDescription(description); err != nil {
		return "", err
	}
	<-gathered
	return pc.LocalDescription().SDP, nil
}

func serve(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	name, id := query.Get("room"), query.Get("id")
	key := r.URL.Path + " " + name + " " + id
	if r.Method == http.MethodDelete {
		mutex.Lock()
		pc := clients[key]
		delete(clients, key)
		mutex.Unlock()
		if pc != nil {
			_ = pc.Close()
		}
		return
	}
	number := func(kind string) int { n, _ := strconv.Atoi(query.Get(kind)); return n }
	wanted := map[webrtc.RTPCodecType]int{
		webrtc.RTPCodecTypeAudio: number("audio"), webrtc.RTPCodecTypeVideo: number("video"),
	}
	chosen := choose(name, id, wanted)
	if chosen == nil {
		http.Error(w, "not so many tracks yet", http.StatusTooEarly)
		return
	}
	offer, _ := io.ReadAll(r.Body)
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err == nil && r.URL.Path == "/publish" {
		publish(pc, name, id)
	} else if err == nil {
		err = subscribe(pc, chosen)
	}
	var sdp string
	if err == nil {
		sdp, err = answer(pc, string(offer))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	mutex.Lock()
	clients[key] = pc
	mutex.Unlock()
	_, _ = io.WriteString(w, sdp)
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8089", "where to take offers")
	flag.Parse()
	http.HandleFunc("/publish", serve)
	http.HandleFunc("/subscribe", serve)
	log.Fatal(http.ListenAndServe(*listen, nil))
}
