import HTTPParser
import Testing

@Suite("What a client is told")
struct ParseErrorTests {
    @Test(
        "each refusal has its status (RFC 9110 §15.5, §15.6, RFC 6585 §5)",
        arguments: [
            (.targetTooLong, 414), (.tooManyFields, 431), (.headTooLarge, 431),
            (.trailersTooLarge, 431), (.unsupportedVersion, 505),
            (.unsupportedTransferEncoding, 501), (.invalidTransferEncoding, 400),
            (.methodTooLong, 501), (.invalidMaxForwards, 400), (.chunkTooLarge, 413),
            (.invalidMethod, 400),
            (.missingHost, 400), (.contentLengthWithTransferEncoding, 400), (.bareLineEnd, 400),
            (.chunkExtensionTooLong, 400), (.tooManyConnectionOptions, 400),
        ] as [(ParseError, UInt16)])
    func statuses(error: ParseError, status: UInt16) {
        #expect(error.status == status)
    }
}
