package socketio

// Any reports whether the operation is for any socket of this node. It costs less than to ask for them, and may count one
// that is about to leave.
func (b Broadcast) Any() bool {
	if a, ok := b.ns.adapter.(interface{ Any(sel Selector) bool }); ok {
		return a.Any(b.sel)
	}
	return len(b.Sockets()) > 0
}

// Any reports whether anything is selected.
func (m *memory) Any(sel Selector) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(sel.Except) == 0 {
		for _, name := range sel.Rooms {
			if m.sockets[name] != nil || m.rooms[name] != nil {
				return true
			}
		}
		return len(sel.Rooms) == 0 && len(m.sockets) > 0
	}
	found := false
	m.each(sel, func(*Socket) { found = true })
	return found
}
