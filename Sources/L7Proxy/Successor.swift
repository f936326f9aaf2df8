import Transport

/// The process that is to take this one's place, while it starts.
///
/// It gets the listening sockets and one end of a channel, and says two words on it: that its
/// configuration is good, upon which it is told what it must know, and that it serves. If the
/// channel ends before that, nothing has happened.
struct Successor {
    let child: ChildProcess
    private let channel: HandoverChannel

    /// Its words, each one byte.
    enum Word {
        static let mayBeTold = UInt8(ascii: "R")
        static let serves = UInt8(ascii: "G")
    }

    enum Progress: Equatable {
        case waits
        case mayBeTold
        case serves
        case failed
    }

    /// Starts the program that stands where this one was started from.
    ///
    /// - Parameter sockets: stay open here as well.
    static func start(
        _ arguments: [String], sockets: [InheritedSocket]
    ) throws(SystemError) -> Successor {
        let (own, other) = try HandoverChannel.pair()
        let numbers = sockets.map(\.descriptor)
        let list = numbers.map { "\($0)" }.joined(separator: ",")
        let child = try ChildProcess.start(
            arguments, variable: "\(Inheritance.variable)=\(other.descriptor):\(list)",
            removed: Inheritance.removedVariables, passing: [other.descriptor] + numbers)
        return Successor(child: child, channel: own)
    }

    func progress() -> Progress {
        switch channel.word() {
        case .nothing: .waits
        case .byte(Word.mayBeTold): .mayBeTold
        case .byte(Word.serves): .serves
        case .byte, .ended: .failed
        }
    }

    /// False when it is gone.
    func tell(_ state: HandoverState) -> Bool {
        channel.send(state.encoded)
    }

    /// Makes sure that it is gone.
    func giveUp() {
        child.kill()
        child.wait()
    }
}

/// The other end: the process that serves until this one does.
extension Inheritance {
    /// Asks it for what this process must know. Nil when there is none, or when it speaks of things
    /// that this version does not know.
    func receiveState() -> HandoverState? {
        guard let predecessor, predecessor.send([Successor.Word.mayBeTold]),
            let prefix = predecessor.receive(HandoverState.prefixByteCount),
            let (byteCount, isKnown) = HandoverState.bodyByteCount(ofPrefix: prefix),
            let body = predecessor.receive(byteCount)
        else { return nil }
        return isKnown ? HandoverState(body: body) : nil
    }

    /// From now on this process serves, and the other one takes nothing new.
    func announce() {
        _ = predecessor?.send([Successor.Word.serves])
    }
}
