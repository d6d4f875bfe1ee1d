package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// soaker is a client of TestSoak. It uses one connection after the other.
type soaker struct {
	*bundle
	deliveries, recoveries *atomic.Int64

	url   string
	ws    *websocket.Conn
	next  int      // number of the next event
	inbox []string // packets that were polled and not read yet

	// The data that restores a lost connection, and what it has to restore.
	pid, offset string
	rooms       map[int]*stay
}

// stay is a client's time in a room: the number of the last message before it, and of the last one received.
type stay struct{ joined, last int }

// live is one connection: it polls at first, and may upgrade.
func (s *soaker) live() error {
	if err := s.open(); err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	if err := s.talk(rand.N(5)); err != nil {
		return err
	}
	if err := s.roam(rand.N(3)); err != nil {
		return err
	}
	switch rand.N(4) {
	case 0:
		return s.leavePolling()
	case 1:
		return s.giveUpUpgrade()
	}
	if err := s.upgrade(); err != nil {
		return err
	}
	if err := s.talk(rand.N(20)); err != nil {
		return err
	}
	if err := s.roam(rand.N(6)); err != nil {
		return err
	}
	return s.leaveWebSocket()
}

// roam joins and leaves rooms.
func (s *soaker) roam(n int) error {
	for range n {
		i := rand.N(soakRooms)
		in := s.rooms[i]
		if in == nil {
			number, err := s.ask("join", i)
			if err != nil {
				return err
			}
			s.rooms[i] = &stay{joined: number, last: number}
			continue
		}
		number, err := s.ask("leave", i)
		if err != nil {
			return err
		}
		if in.last != number {
			return fmt.Errorf("left room %d after message %d, and had got those up to %d", i, number, in.last)
		}
		delete(s.rooms, i)
	}
	return nil
}

// note checks a message of a room. A recovery may bring some from before the joining, which were not received then.
func (s *soaker) note(packet string) error {
	var event []json.RawMessage
	var name, offset string
	var room, number int
	if json.Unmarshal([]byte(strings.TrimPrefix(packet, "42")), &event) != nil || len(event) != 4 ||
		json.Unmarshal(event[0], &name) != nil || json.Unmarshal(event[1], &room) != nil ||
		json.Unmarshal(event[2], &number) != nil || json.Unmarshal(event[3], &offset) != nil {
		return fmt.Errorf("got %q, want a message of a room", packet)
	}
	s.offset = offset
	in := s.rooms[room]
	if in == nil {
		return fmt.Errorf("got message %d of room %d, which was not joined", number, room)
	}
	if number <= in.joined {
		return nil
	}
	if number != in.last+1 {
		return fmt.Errorf("got message %d of room %d after %d", number, room, in.last)
	}
	in.last = number
	s.deliveries.Add(1)
	return nil
}

func (s *soaker) request(ctx context.Context, method, url, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.URL+url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := s.Client.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var text strings.Builder
	if err := response.Write(&text); err != nil {
		return "", err
	}
	_, content, _ := strings.Cut(text.String(), "\r\n\r\n")
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s %s: %s %s", method, url, response.Status, content)
	}
	return content, nil
}

// open connects, or reconnects if the last connection was lost.
func (s *soaker) open() error {
	s.ws, s.inbox = nil, nil
	open, err := s.request(s.t.Context(), http.MethodGet, pollingURL, "")
	if err != nil {
		return err
	}
	s.url = pollingURL + "&sid=" + strings.Split(open, `"`)[3]
	known := s.rooms
	if s.pid == "" || rand.N(3) == 0 {
		s.pid, s.rooms = "", map[int]*stay{}
		err = s.send("40")
	} else {
		err = s.send(fmt.Sprintf(`40{"pid":%q,"offset":%q}`, s.pid, s.offset))
	}
	if err != nil {
		return err
	}
	accepted, err := s.receive()
	if err != nil {
		return err
	}
	var session session
	if json.Unmarshal([]byte(strings.TrimPrefix(accepted, "40")), &session) != nil || session.PID == "" {
		return fmt.Errorf("got %q, want to be accepted", accepted)
	}
	if session.PID == s.pid {
		s.recoveries.Add(1)
	} else { // a new session; it may be in the rooms of the old one, but has missed some messages
		s.rooms = map[int]*stay{}
		for room := range known {
			s.rooms[room] = &stay{joined: math.MaxInt}
		}
		for room := range known {
			if _, err := s.ask("leave", room); err != nil {
				return err
			}
			delete(s.rooms, room)
		}
	}
	s.pid = session.PID
	return nil
}

func (s *soaker) send(message string) error {
	if s.ws != nil {
		return s.ws.Write(s.t.Context(), websocket.MessageText, []byte(message))
	}
	_, err := s.request(s.t.Context(), http.MethodPost, s.url, message)
	return err
}

// receive returns the next packet that is no message of a room and no ping.
func (s *soaker) receive() (string, error) {
	for {
		packet, err := s.receiveAny()
		switch {
		case err != nil:
			return "", err
		case packet == "2":
			err = s.send("3")
		case packet == "6":
		case strings.HasPrefix(packet, `42["noise"`):
			err = s.note(packet)
		default:
			return packet, nil
		}
		if err != nil {
			return "", err
		}
	}
}

func (s *soaker) receiveAny() (string, error) {
	if len(s.inbox) > 0 {
		packet := s.inbox[0]
		s.inbox = s.inbox[1:]
		return packet, nil
	}
	if s.ws != nil {
		_, data, err := s.ws.Read(s.t.Context())
		return string(data), err
	}
	payload, err := s.request(s.t.Context(), http.MethodGet, s.url, "")
	s.inbox = strings.Split(payload, "\x1e")
	if err != nil {
		return "", err
	}
	return s.receiveAny()
}

// ask sends an event with a number and returns the number that it is acknowledged with. Acknowledgements come in order.
func (s *soaker) ask(event string, number int) (answer int, err error) {
	id := s.next
	s.next++
	if err := s.send(fmt.Sprintf(`42%d[%q,%d]`, id, event, number)); err != nil {
		return 0, fmt.Errorf("sending %s: %w", event, err)
	}
	got, err := s.receive()
	if err != nil {
		return 0, fmt.Errorf("waiting for the answer to %s: %w", event, err)
	}
	if _, err := fmt.Sscanf(got, fmt.Sprintf("43%d[%%d]", id), &answer); err != nil {
		return 0, fmt.Errorf("got %q, want acknowledgement %d of %s", got, id, event)
	}
	return answer, nil
}

// talk sends n events and waits for their acknowledgements.
func (s *soaker) talk(n int) error {
	for range n {
		number := rand.N(1_000_000)
		got, err := s.ask("echo", number)
		if err != nil {
			return err
		}
		if got != number {
			return fmt.Errorf("%d was answered with %d", number, got)
		}
	}
	return nil
}

func (s *soaker) dial() (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(s.t.Context(), s.URL+strings.Replace(s.url, "polling", "websocket", 1), &websocket.DialOptions{HTTPClient: s.Client})
	if err != nil {
		return nil, err
	}
	if err := ws.Write(s.t.Context(), websocket.MessageText, []byte("2probe")); err != nil {
		return nil, err
	}
	_, answer, err := ws.Read(s.t.Context())
	if err == nil && string(answer) != "3probe" {
		err = fmt.Errorf("probe was answered with %q", answer)
	}
	return ws, err
}

func (s *soaker) upgrade() error {
	ws, err := s.dial()
	if err != nil {
		return fmt.Errorf("upgrading: %w", err)
	}
	// Some events are sent and answered while the upgrade is under way.
	if err := s.talk(rand.N(3)); err != nil {
		return err
	}
	s.ws = ws
	return s.send("5")
}

func (s *soaker) giveUpUpgrade() error {
	ws, err := s.dial()
	if err != nil {
		return fmt.Errorf("upgrading: %w", err)
	}
	_ = ws.CloseNow()
	if err := s.talk(2); err != nil {
		return err
	}
	return s.leavePolling()
}

func (s *soaker) leavePolling() error {
	switch rand.N(3) {
	case 0:
		return s.send("1")
	case 1: // abort a poll, at any moment
		ctx, cancel := context.WithTimeout(s.t.Context(), rand.N(20*time.Millisecond))
		defer cancel()
		_, err := s.request(ctx, http.MethodGet, s.url, "")
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		_ = s.send("1") // in case it was not held at that moment
		return nil
	default:
		return s.send("41\x1e1")
	}
}

func (s *soaker) leaveWebSocket() error {
	switch rand.N(4) {
	case 0:
		_ = s.send("1")
		return s.ws.CloseNow()
	case 1:
		_ = s.send("4broken")
		return s.ws.CloseNow()
	case 2:
		return s.ws.CloseNow()
	default:
		s.ws.Close(websocket.StatusNormalClosure, "")
		return nil
	}
}
