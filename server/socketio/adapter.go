package socketio

import (
	"sync"

	"github.com/elizad/elizad/server/socketio/engineio"
)

// Selector says which sockets of a namespace an operation is for.
type Selector struct {
	// Rooms selects the sockets in any of these rooms; empty selects all.
	Rooms []string
	// Except leaves out the sockets in any of these rooms.
	Except []string
	// Local restricts the operation to the sockets of this node.
	Local bool
}

// Message is an event on its way to many sockets: encoded, immutable and shared.
type Message struct {
	Frame   *engineio.Frame
	Options engineio.SendOptions
}

// SendTo puts the message into the queue of a socket. It does not block, and takes no lock of the socket's handlers.
func (m Message) SendTo(s *Socket) { s.sendWith(m.Frame, m.Options) }

// Adapter keeps the rooms of one namespace on one node. Every socket is besides in its own room, named by its id. The
// methods may be called from any goroutine. What goes to other nodes is not its business, see [Server.JoinCluster].
type Adapter interface {
	// Add makes a socket known; before, it is in no room and selected by nothing.
	Add(s *Socket)
	// Remove makes it leave all rooms and forgets it.
	Remove(s *Socket)
	// Join adds a known socket to rooms, at once. It does nothing for an unknown one. A socket that would be in more rooms
	// than [Socket.MaxRooms] joins none of them, and ErrTooManyRooms is returned.
	Join(s *Socket, rooms ...string) error
	// Leave removes a socket from rooms.
	Leave(s *Socket, rooms ...string)
	// Rooms returns the rooms of a socket, its own first.
	Rooms(s *Socket) []string
	// Socket returns the socket with that id on this node, or nil.
	Socket(id string) *Socket
	// Sockets returns the selected sockets of this node, each once.
	Sockets(sel Selector) []*Socket
	// Broadcast puts a message into the queue of each selected socket, once. Two messages are put in the same order for
	// every socket that gets both.
	Broadcast(sel Selector, m Message) error
}

// memory is the default adapter.
type memory struct {
	mu      sync.Mutex // guards what follows, and the fields of Socket that say so
	sockets map[string]*Socket
	rooms   map[string]*room
	round   uint64 // of the latest selection; a socket that has it was visited
}

// room is a set of sockets. Each member knows its index here, so that leaving is quick and the set costs one word for each.
type room struct {
	name    string
	members []*Socket
}

// membership is a socket's side of being in a room.
type membership struct {
	room  *room
	index int
}

// NewMemoryAdapter returns the adapter that a server uses by default. The own room of a socket takes no memory in it.
func NewMemoryAdapter() Adapter {
	return &memory{sockets: make(map[string]*Socket), rooms: make(map[string]*room)}
}

func (m *memory) Add(s *Socket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sockets[s.id] = s
}

func (m *memory) Remove(s *Socket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sockets[s.id] != s {
		return
	}
	delete(m.sockets, s.id)
	for len(s.rooms) > 0 {
		m.leave(s, len(s.rooms)-1)
	}
	s.rooms = nil
}

func (m *memory) Join(s *Socket, rooms ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sockets[s.id] != s {
		return nil
	}
	if limit := s.MaxRooms(); len(s.rooms)+len(rooms) > limit && len(s.rooms)+m.unjoined(s, rooms) > limit {
		return ErrTooManyRooms
	}
	for _, name := range rooms {
		if name == s.id || s.memberOf(name) >= 0 {
			continue
		}
		r := m.rooms[name]
		if r == nil {
			r = &room{name: name}
			m.rooms[name] = r
		}
		s.rooms = append(s.rooms, membership{room: r, index: len(r.members)})
		r.members = append(r.members, s)
	}
	return nil
}

// unjoined counts the rooms that s is not in yet. m.mu is held.
func (m *memory) unjoined(s *Socket, rooms []string) int {
	fresh := make(map[string]struct{}, len(rooms))
	for _, name := range rooms {
		if name != s.id && s.memberOf(name) < 0 {
			fresh[name] = struct{}{}
		}
	}
	return len(fresh)
}

func (m *memory) Leave(s *Socket, rooms ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range rooms {
		if i := s.memberOf(name); i >= 0 {
			m.leave(s, i)
		}
	}
}

// leave removes s from its room i. The last member of the room takes its place, and the last room of s that of the room.
func (m *memory) leave(s *Socket, i int) {
	gone := s.rooms[i]
	r := gone.room
	end := len(r.members) - 1
	moved := r.members[end]
	r.members[gone.index] = moved
	moved.rooms[moved.memberOf(r.name)].index = gone.index
	r.members[end] = nil
	r.members = r.members[:end]
	if end == 0 {
		delete(m.rooms, r.name)
	}
	end = len(s.rooms) - 1
	s.rooms[i] = s.rooms[end]
	s.rooms[end] = membership{}
	s.rooms = s.rooms[:end]
}

// memberOf returns which of its rooms the named one is, -1 if none. The adapter's mutex is held.
func (s *Socket) memberOf(name string) int {
	for i := range s.rooms {
		if s.rooms[i].room.name == name {
			return i
		}
	}
	return -1
}

func (m *memory) Rooms(s *Socket) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sockets[s.id] != s {
		return nil
	}
	rooms := make([]string, 1, len(s.rooms)+1)
	rooms[0] = s.id
	for _, member := range s.rooms {
		rooms = append(rooms, member.room.name)
	}
	return rooms
}

func (m *memory) Socket(id string) *Socket {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sockets[id]
}

func (m *memory) Sockets(sel Selector) []*Socket {
	m.mu.Lock()
	defer m.mu.Unlock()
	var selected []*Socket
	m.each(sel, func(s *Socket) { selected = append(selected, s) })
	return selected
}

// Broadcast holds the lock while it puts the message into the queues, which takes no time and is what keeps the order.
func (m *memory) Broadcast(sel Selector, msg Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.each(sel, msg.SendTo)
	return nil
}

// each calls fn for each selected socket, once. m.mu is held.
func (m *memory) each(sel Selector, fn func(*Socket)) {
	m.round++
	for _, name := range sel.Except {
		if s := m.sockets[name]; s != nil {
			s.round = m.round
		}
		if r := m.rooms[name]; r != nil {
			for _, s := range r.members {
				s.round = m.round
			}
		}
	}
	visit := func(s *Socket) {
		if s.round != m.round {
			s.round = m.round
			fn(s)
		}
	}
	if len(sel.Rooms) == 0 {
		for _, s := range m.sockets {
			visit(s)
		}
		return
	}
	for _, name := range sel.Rooms {
		if s := m.sockets[name]; s != nil {
			visit(s)
		}
		if r := m.rooms[name]; r != nil {
			for _, s := range r.members {
				visit(s)
			}
		}
	}
}
