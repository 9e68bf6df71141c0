// Wire forwards Ethernet frames between two interfaces with a delay, jitter and random loss, for kernels without netem.
//
//	wire join ONE OTHER SEED   forwards until its stdin ends
//	wire plain INTERFACE...    makes interfaces send what a real wire carries
//
// `join` reads lines from stdin: three numbers, the delay and the jitter in milliseconds and the loss in percent, for frames that come
// from then on, in both directions. It answers each line with two numbers: the frames that it has forwarded so far, and those that it
// has lost. Jitter does not reorder frames, which a single wire does not do either.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	// More frames than that under way are lost, as in a router whose queue is full: half a second of 400 Mbit/s.
	queueLength = 16384
	frameLength = 65536 + 18
	bufferBytes = 16 << 20

	ignoreOutgoing = 23 // PACKET_IGNORE_OUTGOING

	// Commands of SIOCETHTOOL, which turn something off with the value 0.
	setChecksums    = 0x17 // ETHTOOL_STXCSUM
	setSegmentation = 0x1f // ETHTOOL_STSO
	setOffload      = 0x24 // ETHTOOL_SGSO
	setReceive      = 0x2c // ETHTOOL_SGRO
)

// quality is how frames fare.
type quality struct {
	delay, jitter time.Duration
	loss          float64
}

type frame struct {
	bytes []byte
	due   time.Time
}

type wire struct {
	quality         atomic.Pointer[quality]
	forwarded, lost atomic.Uint64
}

func main() {
	args := os.Args[1:]
	var err error
	switch {
	case len(args) > 1 && args[0] == "plain":
		err = makePlain(args[1:])
	case len(args) == 4 && args[0] == "join":
		err = join(args[1], args[2], args[3])
	default:
		err = fmt.Errorf("usage: wire join ONE OTHER SEED | wire plain INTERFACE...")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wire:", err)
		os.Exit(1)
	}
}

func join(one, other, seedText string) error {
	seed, err := strconv.ParseUint(seedText, 10, 64)
	if err != nil {
		return err
	}
	first, err := open(one)
	if err != nil {
		return err
	}
	second, err := open(other)
	if err != nil {
		return err
	}
	var all wire
	all.quality.Store(&quality{})
	failed := make(chan error, 4)
	all.forward(first, second, rand.New(rand.NewPCG(seed, 1)), failed)
	all.forward(second, first, rand.New(rand.NewPCG(seed, 2)), failed)
	go func() { failed <- all.obey() }()
	return <-failed
}

// obey ends with stdin, so that a wire does not outlive the test that made it.
func (w *wire) obey() error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var delay, jitter, loss float64
		if _, err := fmt.Sscan(lines.Text(), &delay, &jitter, &loss); err != nil {
			return fmt.Errorf("%q: %w", lines.Text(), err)
		}
		w.quality.Store(&quality{milliseconds(delay), milliseconds(jitter), loss / 100})
		fmt.Println(w.forwarded.Load(), w.lost.Load())
	}
	return lines.Err()
}

func milliseconds(count float64) time.Duration {
	return time.Duration(count * float64(time.Millisecond))
}

func (w *wire) forward(from, to int, random *rand.Rand, failed chan<- error) {
	queue := make(chan frame, queueLength)
	go func() { failed <- w.receive(from, queue, random) }()
	go func() { failed <- w.send(to, queue) }()
}

func (w *wire) receive(from int, queue chan<- frame, random *rand.Rand) error {
	buffer := make([]byte, frameLength)
	var last time.Time
	for {
		length, _, err := syscall.Recvfrom(from, buffer, 0)
		if isPassing(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("receiving: %w", err)
		}
		now := *w.quality.Load()
		// Drawn for each frame, whatever the loss is, so that a seed means the same frames.
		draw, drift := random.Float64(), random.Float64()*2-1
		if draw < now.loss {
			w.lost.Add(1)
			continue
		}
		due := time.Now().Add(now.delay + time.Duration(drift*float64(now.jitter)))
		if due.Before(last) {
			due = last
		}
		last = due
		select {
		case queue <- frame{append([]byte(nil), buffer[:length]...), due}:
		default:
			w.lost.Add(1)
		}
	}
}

func (w *wire) send(to int, queue <-chan frame) error {
	for one := range queue {
		if wait := time.Until(one.due); wait > 0 {
			time.Sleep(wait)
		}
		_, err := syscall.Write(to, one.bytes)
		if isPassing(err) {
			w.lost.Add(1)
			continue
		}
		if err != nil {
			return fmt.Errorf("sending %d bytes: %w", len(one.bytes), err)
		}
		w.forwarded.Add(1)
	}
	return nil
}

// isPassing is true for what happens while an interface is down, or has too much to do.
func isPassing(err error) bool {
	switch err {
	case syscall.EINTR, syscall.EAGAIN, syscall.ENETDOWN, syscall.ENOBUFS:
		return true
	}
	return false
}

// open makes a socket that gets all frames which arrive at an interface.
func open(name string) (int, error) {
	device, err := net.InterfaceByName(name)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	// Of no protocol until it is bound: it would get the frames of all interfaces meanwhile.
	socket, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("a packet socket: %w", err)
	}
	for _, one := range []struct{ level, option, value int }{
		{syscall.SOL_PACKET, ignoreOutgoing, 1},
		{syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, bufferBytes},
		{syscall.SOL_SOCKET, syscall.SO_SNDBUFFORCE, bufferBytes},
	} {
		if err := syscall.SetsockoptInt(socket, one.level, one.option, one.value); err != nil {
			return 0, fmt.Errorf("option %d of the socket of %s: %w", one.option, name, err)
		}
	}
	address := &syscall.SockaddrLinklayer{Protocol: networkOrder(syscall.ETH_P_ALL), Ifindex: device.Index}
	if err := syscall.Bind(socket, address); err != nil {
		return 0, fmt.Errorf("binding to %s: %w", name, err)
	}
	// Frames are for others than this interface.
	request := packetMembership{index: int32(device.Index), kind: syscall.PACKET_MR_PROMISC}
	_, _, failed := syscall.Syscall6(syscall.SYS_SETSOCKOPT, uintptr(socket), syscall.SOL_PACKET,
		syscall.PACKET_ADD_MEMBERSHIP, uintptr(unsafe.Pointer(&request)), unsafe.Sizeof(request), 0)
	if failed != 0 {
		return 0, fmt.Errorf("promiscuous mode of %s: %w", name, failed)
	}
	return socket, nil
}

type packetMembership struct {
	index   int32
	kind    uint16
	length  uint16
	address [8]byte
}

func networkOrder(value uint16) uint16 {
	var bytes [2]byte
	binary.BigEndian.PutUint16(bytes[:], value)
	return binary.NativeEndian.Uint16(bytes[:])
}

type interfaceRequest struct {
	name  [syscall.IFNAMSIZ]byte
	value *ethtoolValue
	_     [16]byte
}

type ethtoolValue struct{ command, value uint32 }

// makePlain has interfaces finish checksums and cut large segments themselves: veth leaves both to a receiver of frames, which never
// comes, and a loss would take 64 kB at once.
func makePlain(names []string) error {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for _, name := range names {
		for _, command := range []uint32{setSegmentation, setOffload, setReceive, setChecksums} {
			setting := &ethtoolValue{command: command}
			var pinner runtime.Pinner
			pinner.Pin(setting)
			request := interfaceRequest{value: setting}
			copy(request.name[:syscall.IFNAMSIZ-1], name)
			const ioctlEthtool = 0x8946
			_, _, failed := syscall.Syscall(syscall.SYS_IOCTL, uintptr(socket), ioctlEthtool, uintptr(unsafe.Pointer(&request)))
			pinner.Unpin()
			if failed != 0 {
				return fmt.Errorf("setting %#x of %s: %w", command, name, failed)
			}
		}
	}
	return nil
}
