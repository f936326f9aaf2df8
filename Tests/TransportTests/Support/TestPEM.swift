/// Certificates and keys made for these tests, valid to the year 2126. They protect nothing.
enum TestPEM {
    /// Self-signed, ECDSA: a.test, *.wild.test and 127.0.0.1.
    static let aCertificate = bytes(
        """
        -----BEGIN CERTIFICATE-----
        MIIBoDCCAUWgAwIBAgIULGdyZoYfYQFVvucQDqlWQe0UWycwCgYIKoZIzj0EAwIw
        ETEPMA0GA1UEAwwGYS50ZXN0MCAXDTI2MTEyMjExMzg0NloYDzIxMjYxMDI5MTEz
        ODQ2WjARMQ8wDQYDVQQDDAZhLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
        AATvz0GEpTFZQg4kfFMq6Vawb7SRcVH+1J5NkMCioHSxQsz4CGaJq8sa5wSrgQge
        fYNfvoe9VyiTqlVgqMjGhJMeo3kwdzAdBgNVHQ4EFgQUjXmXzWnaSLGW9OnCfZmM
        Deze2N8wHwYDVR0jBBgwFoAUjXmXzWnaSLGW9OnCfZmMDeze2N8wDwYDVR0TAQH/
        BAUwAwEB/zAkBgNVHREEHTAbggZhLnRlc3SCCyoud2lsZC50ZXN0hwR/AAABMAoG
        CCqGSM49BAMCA0kAMEYCIQCoqQq2y31NFnoTsnGq0ggRDt54xl+5FGXnNTEJ5Ycu
        egIhAJwIYmYZYDI/h4Z5x1CcNpXL5Gi8HkDPGqRUYEzdrPKN
        -----END CERTIFICATE-----
        """)
    /// PKCS#8.
    static let aKey = bytes(
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7dRVePKDq03YtMTN
        1YF81FQcPyLCGKA33TovHn67OL+hRANCAATvz0GEpTFZQg4kfFMq6Vawb7SRcVH+
        1J5NkMCioHSxQsz4CGaJq8sa5wSrgQgefYNfvoe9VyiTqlVgqMjGhJMe
        -----END PRIVATE KEY-----
        """)
    /// The same key.
    static let aKeyInSEC1 = bytes(
        """
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEIO3UVXjyg6tN2LTEzdWBfNRUHD8iwhigN906Lx5+uzi/oAoGCCqGSM49
        AwEHoUQDQgAE789BhKUxWUIOJHxTKulWsG+0kXFR/tSeTZDAoqB0sULM+AhmiavL
        GucEq4EIHn2DX76HvVcok6pVYKjIxoSTHg==
        -----END EC PRIVATE KEY-----
        """)
    /// Self-signed, RSA: a.test.
    static let rsaCertificate = bytes(
        """
        -----BEGIN CERTIFICATE-----
        MIIDGDCCAgCgAwIBAgIUBRFWAdVKRZB6b2Z0VnaC9OIv0FMwDQYJKoZIhvcNAQEL
        BQAwETEPMA0GA1UEAwwGYS50ZXN0MCAXDTI2MTEyMjExMzg0NloYDzIxMjYxMDI5
        MTEzODQ2WjARMQ8wDQYDVQQDDAZhLnRlc3QwggEiMA0GCSqGSIb3DQEBAQUAA4IB
        DwAwggEKAoIBAQCf1O/p+0ANE5T8N+qs9B/cQqm8Kmjklm12ah4a5k3lr6d0a7rr
        UOLVucwOEnQe0c/hCxuNiGso0dY23MJPqeF+SS0vUFS0poEdmhg7rw5YwVv0WlYc
        hcY0W7PGStreJHFIFIgA24ozvPmenu9tc54s1fWhw/vNl/GKBI2oDKjQrSft3TxS
        1J5+sHoSS07mTuDy+eQiLY1m4QvBs110423BFjXsFHojVO6CYAx2sTqpvDFRMV+2
        wff0/cdXgfRPlZ+FBG/PCeM43enF8/PRLRfgqZGfB0Vxv3r35MS2mshJBWa8SQVZ
        /za5bZsX+gkXUFYm770aHyB3IGGHexE0rDydAgMBAAGjZjBkMB0GA1UdDgQWBBT0
        UZW1ENATHJ3WcZdQl2O9YckRPjAfBgNVHSMEGDAWgBT0UZW1ENATHJ3WcZdQl2O9
        YckRPjAPBgNVHRMBAf8EBTADAQH/MBEGA1UdEQQKMAiCBmEudGVzdDANBgkqhkiG
        9w0BAQsFAAOCAQEAKJUe3aaSPz/1hf4YVqdyDfc9Jt+07vHO7w24Tgy0/mtT0r/x
        OR3RTxtnB3pwlWBnIJGLU9hhOeyFNuIHnZd6/Bkme75+ETWZf32BoX9FVXuEle2N
        ZPimIFZWFWQCQ0SeKylZHds6fn8F9M9Ee0X4eLcAi+LATHRq9jYMQpFQ1X9/vQZf
        WQ1FDCtcQIfGyCOB46GytAyuechP7uF4X9AfDb//LBspzi6beYDukCSDWBXUcZhy
        7c2t2uh701L8JKVjF4UfCm/VBMHyNqfOqKy5SNnjiQvvOg8NyKF3ZfcQFD7RKk8E
        tyKRWDG6KhMQA+TkHjo7QAjSySMmj5VersMjWw==
        -----END CERTIFICATE-----
        """)
    static let rsaKeyInPKCS1 = bytes(
        """
        -----BEGIN RSA PRIVATE KEY-----
        MIIEpAIBAAKCAQEAn9Tv6ftADROU/DfqrPQf3EKpvCpo5JZtdmoeGuZN5a+ndGu6
        61Di1bnMDhJ0HtHP4QsbjYhrKNHWNtzCT6nhfkktL1BUtKaBHZoYO68OWMFb9FpW
        HIXGNFuzxkra3iRxSBSIANuKM7z5np7vbXOeLNX1ocP7zZfxigSNqAyo0K0n7d08
        UtSefrB6EktO5k7g8vnkIi2NZuELwbNddONtwRY17BR6I1TugmAMdrE6qbwxUTFf
        tsH39P3HV4H0T5WfhQRvzwnjON3pxfPz0S0X4KmRnwdFcb969+TEtprISQVmvEkF
        Wf82uW2bF/oJF1BWJu+9Gh8gdyBhh3sRNKw8nQIDAQABAoIBABsrYtcW9zXh2Mch
        KDrbStkx2dGbMfZ9ncDt3A09jgtX1zLip0UeHFkxer7/ow6kIt7B+R6PjIvFU9FC
        qKNLIQJLJSuwT53f2f3ytmDa6qjqwZthidbSZLV8yywPiHIPptQWbWIb77vIyXQN
        12x3JXHAsz8a5iB2TkBkcsIY2M+UAslFaU6qoL/JmoWD0z+o8rWyGd83iLEMCBP1
        NDsQoLBzLvOFWskeKy8DZauz8GrNj1YEDtnDV6h40YaXqjUDZaQvtAqF7ioR6v3z
        cqoFVHyMAy6etjTpi5uKIt0xev42SfiTTGwvCZSBqJcbbVH0jfvwgERnpBUZy6yp
        5ncph+8CgYEA2gPAO0VJjC59z6MpE3bgDBa2gsYBI0U86LMQHJevAVKKo2ARlrzD
        AmE5JliR7ZMCCsCna5B90jyiSMV1zjVVJzMlSdpaaWgNmyRe5VTIM0GbJj1Dws0+
        pXoRk4rsR3gRxvIvGjZ9mWHTXLpIPcL/CbNGuX5dxLZKzKaFOVGy+Q8CgYEAu64E
        ogJRw2eSN736nCTHyXt9lcqUTkRqQsqugkSsBkmTFsPAeKa9k3LReCvZjnKWTMQM
        munuCNbrmN9MmUJBmppXGDWCr15l9TjYJzw5iuba3D3E6oF9Fn9ti7OBAANlY9ze
        e5kUlWnRzh4t9tH7eP9FU1NTsLyBafFpZyBLN5MCgYEAw35fjwaHd/Nsj5dgSvrq
        1ww65rNE6+q3Pnbq+KivnkD03qFTxFZJi8XAqHj9igqr5xZwSk0L9ky2vQiLpbg/
        PmJnin0JW8GZiceobH6E8yleRYDkVTcUePAn+KS3UTMCxeH/iMLaB4MoM9s60l8b
        sQgYYFdHIBDSrAaaKhbvpNMCgYEAnqxRXmd3mS1Hgbks2DaAcuflFW9gU4ukCzQw
        thI5Hle189ksMNVIEhFQ57irBrP6PozB23dLuE18gpLHwAs0S/GREPastneo29pj
        ZUiVncnv36SZh2pSx2KUyzfIKKq2XeeucfDKZkhBCXKaicKeSX4IrpoUd6foAhoI
        cxfqf+ECgYBASer25YySEIwda7x6s9v2x9fNzIAkvYk1u+L1ZW8OvKTYxTrPwAew
        6sslJ/Gix/uH8y6nG1ldVhbSZcGseeIsFQ6TcySaji92rt2F/jFwvn8h2s3cjmIl
        FbP6ek9ZrSNkXO7mSi9Zo5Kcx/YxhINjh+2tLh7diZVpl5Gjm0XcIA==
        -----END RSA PRIVATE KEY-----
        """)
    /// Self-signed, ECDSA: b.test.
    static let bCertificate = bytes(
        """
        -----BEGIN CERTIFICATE-----
        MIIBjDCCATKgAwIBAgIUAeDSGzugl+v7SHr9H74z54xIGuowCgYIKoZIzj0EAwIw
        ETEPMA0GA1UEAwwGYi50ZXN0MCAXDTI2MTEyMjExMzg0NloYDzIxMjYxMDI5MTEz
        ODQ2WjARMQ8wDQYDVQQDDAZiLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
        AAROK2II9ecOCnPs5EtWEG6MigvvJXa56mb5vRgmmOmcnyVGSPaD9hCnFP5tArLa
        sNgoKBGhurewlFiRow918kO0o2YwZDAdBgNVHQ4EFgQUOgmmNijA4bjs/c0lW0aB
        zfJi9NEwHwYDVR0jBBgwFoAUOgmmNijA4bjs/c0lW0aBzfJi9NEwDwYDVR0TAQH/
        BAUwAwEB/zARBgNVHREECjAIggZiLnRlc3QwCgYIKoZIzj0EAwIDSAAwRQIgO5kg
        jRGq1zb+HJdyQMtzAagZEug255s0Ay0C0wOlhzkCIQDT1K2BV1ZC1hksAx4kRdtd
        HYyoo/AlYPtnfAY5Y5gxNQ==
        -----END CERTIFICATE-----
        """)
    static let bKey = bytes(
        """
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEIGSWX+lQB8g6qQcC66xd1q928IMp2uyJR5zFbFHu2XSIoAoGCCqGSM49
        AwEHoUQDQgAETitiCPXnDgpz7ORLVhBujIoL7yV2uepm+b0YJpjpnJ8lRkj2g/YQ
        pxT+bQKy2rDYKCgRobq3sJRYkaMPdfJDtA==
        -----END EC PRIVATE KEY-----
        """)
    /// Signed `clientCertificate`.
    static let authority = bytes(
        """
        -----BEGIN CERTIFICATE-----
        MIIBnDCCAUGgAwIBAgIUZq06iojkncLqJ+JNJHEcHWROeGAwCgYIKoZIzj0EAwIw
        IjEOMAwGA1UECgwFVGVzdHMxEDAOBgNVBAMMB1Rlc3QgQ0EwIBcNMjYxMTIyMTEz
        ODQ2WhgPMjEyNjEwMjkxMTM4NDZaMCIxDjAMBgNVBAoMBVRlc3RzMRAwDgYDVQQD
        DAdUZXN0IENBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEUFp4XnxcPwDTt2BD
        ZHkqcU9g8ZO/iIznY1hT4OXTmRFwZitwW2xIYrlo2TGrJI52tpHHfG0ATa3+PNXW
        E8FSVKNTMFEwHQYDVR0OBBYEFGSqNybHshhOXTQipOj9XWGRVcAeMB8GA1UdIwQY
        MBaAFGSqNybHshhOXTQipOj9XWGRVcAeMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI
        zj0EAwIDSQAwRgIhAIdoJIeaMLXjoWf4Y/WUPWOeBN0A0ZzJ2V8P0hSq2mFfAiEA
        qVPq+gncbOC+AbQjzYaVB5zKrqPDFruNYkjEZslDTsg=
        -----END CERTIFICATE-----
        """)
    /// O=Tests, CN=alice.
    static let clientCertificate = bytes(
        """
        -----BEGIN CERTIFICATE-----
        MIIBPjCB5QIURZq255sop9T+XhykXLTTDhRCOMIwCgYIKoZIzj0EAwIwIjEOMAwG
        A1UECgwFVGVzdHMxEDAOBgNVBAMMB1Rlc3QgQ0EwIBcNMjYxMTIyMTEzODQ2WhgP
        MjEyNjEwMjkxMTM4NDZaMCAxDjAMBgNVBAoMBVRlc3RzMQ4wDAYDVQQDDAVhbGlj
        ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBGwhEZjaOzxDlHhlpTTC+alCm5b
        MGbY9lCpRVz4vAfTxBraCtKQu7Ddgr2P/vyaHd53SLsDbnceqcoGBd1meYswCgYI
        KoZIzj0EAwIDSAAwRQIgGseL+AGEiGQKpD1h0yb/VX3lxX9tPmQqSuER8Jo0YMoC
        IQCe8NGzKqJm5hS/cM5vcn614xfbYdl4/qLMnVE6axS1gg==
        -----END CERTIFICATE-----
        """)
    static let clientKey = bytes(
        """
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEIOfbp1WVYEP5E0yyOD4iKbpwaei+ehO20M8bx17ZhjbloAoGCCqGSM49
        AwEHoUQDQgAEEbCERmNo7PEOUeGWlNML5qUKblswZtj2UKlFXPi8B9PEGtoK0pC7
        sN2CvY/+/Jod3ndIuwNudx6pygYF3WZ5iw==
        -----END EC PRIVATE KEY-----
        """)
    /// O=Tests, CN=mallory: in the name of `authority`, signed with another key.
    static let forgedCertificate = bytes(
        """
        -----BEGIN CERTIFICATE-----
        MIIBMTCB2aADAgECAgEHMAoGCCqGSM49BAMCMCIxDjAMBgNVBAoMBVRlc3RzMRAw
        DgYDVQQDDAdUZXN0IENBMCAXDTI2MTEyMjAwMDAwMFoYDzIxMjYxMDI5MDAwMDAw
        WjAiMQ4wDAYDVQQKDAVUZXN0czEQMA4GA1UEAwwHbWFsbG9yeTBZMBMGByqGSM49
        AgEGCCqGSM49AwEHA0IABAF3G3rYzKrTCQE/wMPwl+/omGpshiopz2npW/vykOt8
        5Eg3OUF6Gzz7ZX3QTfeVI2vFdtOhbm58bbbcF4lHtlswCgYIKoZIzj0EAwIDRwAw
        RAIgFCiZqCIm49EIQ1loe35K7U2shFIbdtpd8V72Ki+8iKICID/NYGCU6FLSUnxk
        3dnoJYBYDcqeI06tR99bepwAnVsL
        -----END CERTIFICATE-----
        """)
    static let forgedKey = bytes(
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBw3Z46Lz8eRSsoYK
        GNg15gkLwMu7pJ12rCxEvA2xSGGhRANCAAQBdxt62Myq0wkBP8DD8Jfv6JhqbIYq
        Kc9p6Vv78pDrfORINzlBehs8+2V90E33lSNrxXbToW5ufG223BeJR7Zb
        -----END PRIVATE KEY-----
        """)
    /// The key of b, in PKCS#8.
    static let encryptedKey = bytes(
        """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhH+LK82n1QtQICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEM+LF5KNJbc2KdYyua+OgKcEgZBn
        do9+wcOTG2g40aCGqv/QypSZ2L9LFUZdTXvmXL0niujFOvOLN0Nnz/HbhPs3rD43
        FkwM2aKyMXs0LC8+Vem74zTttaoRBpjiBS2W9Eqa/I2Cv9YvkgBLCfeY7Xgfjmp+
        PqxW1Jlx3TpuZ1W3ZheyuWMMnxOLiJQCO/5uvGy6c8VP1eR3fS+rrvk1LjfAdLI=
        -----END ENCRYPTED PRIVATE KEY-----
        """)
    /// The key of b, in the older form.
    static let encryptedKeyInSEC1 = bytes(
        """
        -----BEGIN EC PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: AES-128-CBC,5F4F0ED21713443AF6D7103EB27C3358

        Zatpalix8BqTOvWK/a9XH2x+G+ooevDHNmws9LGQkJ4/pDkSwx817vCA3TZmC4af
        OsDNDnytU7Ar1DfcfL4VXh1oduBEeRj0iROhP86Y+SjuIgmrPGUJUuw5/SL6SH9B
        lM54nnATzXQ0zx34ijMq3kSCBioBLseEXa5lE2zL/uk=
        -----END EC PRIVATE KEY-----
        """)

    private static func bytes(_ text: String) -> [UInt8] { Array((text + "\n").utf8) }
}
