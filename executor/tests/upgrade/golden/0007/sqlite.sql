-- schema 1 f74688942551db7d57496a9f7ee76ce53803bc81009998ea6013ba3c0c2507694648951c27274bcb26581da40da15fc8
-- schema 2 3ece136992a13cd5d126885270f086ec6d112ccef489893cab222b340bbd4a08c535c6b73f26d5dd9672bdc8dd3b1ee9
-- schema 3 00af37c91320d63c0c506a69c51cecbb63a1b08ca6a8a1d8d085185664df83ec76609f8b9f924a83bb8e293d8c0d8aa3
-- schema 4 e78874451fa2e00964ec6521b6894f76ef9bc6112884d9913696b5df7d416d03c8817d6fdbe1bbbcbcf3ac500741adba
-- schema 5 13ee7bd47e9e391834da66f4ff5f10ce4f8a831f2530189d70c2d77cc6d228a774e4787e791bb41de332f384e1ec186f
-- schema 6 47d0abb4fd762137ff2b11c0a536a46ed3f912a6cd06943b8750f9a7a18977dc225d5f5f24313b165143ab351c69deec
-- schema 7 c8372d8f68b2b899e8cfff15bec01824ee48e2e52808d4effea3f4143fdb111662f888cad93697b223ebe9451f7224b6
-- staged staging/018bcfe5-6800-7000-8000-000000000a04 89504e470d0a1a0a0000000d49484452000000100000001008000000003a98a0bd00000066494441547801edc003a0245996c6f1ff77ee8dc8cca7724b63ae6ddbb66ddbb66ddbb66d698c9e964aaf9e323322eef976b76a7aa6873b6bd52f784e04cf89e039113c2782e744f09c089e13c17322784e04cf89e039113c2782e744f09c089e13c173e21f0113200021405c7c290000000049454e44ae426082
-- staged staging/018bcfe5-6800-7000-8000-000000000a09 89504e470d0a1a0a0000000d49484452000000100000001008000000003a98a0bd00000066494441547801edc003a0245996c6f1ff77ee8dc8cca7724b63ae6ddbb66ddbb66ddbb66d698c9e964aaf9e323322eef976b76a7aa6873b6bd52f784e04cf89e039113c2782e744f09c089e13c17322784e04cf89e039113c2782e744f09c089e13c173e21f0113200021405c7c290000000049454e44ae426082
-- read billed cancel_requested: false
-- read billed created_us: 1700000000025000
-- read billed currency: USD
-- read billed ended_us: 1700000000032000
-- read billed event 10: 509646209ec7f4e2f2d7c7b9bf7bea3ac106df88c600c3153b6657e3a1ba1697
-- read billed event 1: b1d528f246432f17b2fc187a58f7375f2e201d3dd99fedbc9f12db90ee7c2fc5
-- read billed event 2: ab2eb5313ce7133410be886d4e1e4c5702d0ae328be00e74ed2a012eaa91ce35
-- read billed event 3: b0a53856f4d82d027f79520253c3d3306aedb1b9c6e110ac8fb32946116bcc20
-- read billed event 4: 5aad0eb2ecc3546f88d030538bcaed3ff1e87b99b3d642ff2c71cbfc486f3c3d
-- read billed event 5: 7b09321d4ee3f421ff874abefb87fd080b67523887a450916c30536dde9c7d1c
-- read billed event 6: 44c8cfdae3edacf314e30f04d1c20abfcd4ad5c9e7a9633af27c466f71ba4111
-- read billed event 7: 1ac224f0f78d5162204740562e510d1583cb561bae235f434fa47253a4d9c9ad
-- read billed event 8: b3e841da247a7758050e809fa6dffdf79a4ee635d8ce94d09d74090f18161c71
-- read billed event 9: ce87f71fbdfd95d7b6409932e3a86904b38401f4b804d4ee64dcc2108b4d62a4
-- read billed failure message: the easel's broken
-- read billed failure metadata: {"httpStatus": "400"}
-- read billed failure: PROVIDER_REJECTED
-- read billed image-1 1 ceiling_nanos: 50000000
-- read billed image-1 1 class: D
-- read billed image-1 1 cost_estimated: false
-- read billed image-1 1 cost_nanos: -
-- read billed image-1 1 cost_source:
-- read billed image-1 1 dispatched_us: 1700000000029000
-- read billed image-1 1 effective_seed: -
-- read billed image-1 1 ended_us: 1700000000030000
-- read billed image-1 1 failure message: the easel's broken
-- read billed image-1 1 failure metadata: {"httpStatus": "400"}
-- read billed image-1 1 failure: PROVIDER_REJECTED
-- read billed image-1 1 id: 018bcfe5-6800-7000-8000-000000000a05
-- read billed image-1 1 model: easel-1
-- read billed image-1 1 model_version:
-- read billed image-1 1 prepared_us: 1700000000027000
-- read billed image-1 1 provider: easel
-- read billed image-1 1 provider_request_id: req-before
-- read billed image-1 1 received_us: -
-- read billed image-1 1 render_digest: sha256:08212ccd300c5672bdf3d9741de59b71d3d6c74f0ea2460209c01fa9488ce849
-- read billed image-1 1 revised_prompt:
-- read billed image-1 1 send_by_us: 1700000005030000
-- read billed image-1 1 state: rejected
-- read billed image-1 1 target: 0
-- read billed image-1 1 usage: {}
-- read billed image-1 failure message: the easel's broken
-- read billed image-1 failure metadata: {"httpStatus": "400"}
-- read billed image-1 failure: PROVIDER_REJECTED
-- read billed image-1 image: -
-- read billed image-1 reused: false
-- read billed image-1 state: failed
-- read billed mode: reuse
-- read billed plan: a47740057741e820189f041a04510fe6b0318f33e9478ff9e6fb24ac0c90536c
-- read billed plan_digest: sha256:a47740057741e820189f041a04510fe6b0318f33e9478ff9e6fb24ac0c90536c
-- read billed request_id: request-billed
-- read billed reserved_nanos: 0
-- read billed session_id: s1
-- read billed settled_nanos: 0
-- read billed started_us: 1700000000026000
-- read billed state: failed
-- read billed take: 0
-- read billed unknown_held_nanos: 50000000
-- read cancelled cancel_requested: true
-- read cancelled created_us: 1700000000033000
-- read cancelled currency: USD
-- read cancelled ended_us: 1700000000037000
-- read cancelled event 1: 649322edd26bf8aafbef011614d9185999ab574c4ea6de6ae5c18d5557811dcf
-- read cancelled event 2: a655b8bf02bda7bcf0ae8b53da1efa92a52377a13f86f7bdb79cc3289b87d048
-- read cancelled event 3: 4c2fd58ab0d9bf15b9b8ea2b752e4f94e157f372d44a0769a65764a8cc56c4ef
-- read cancelled event 4: 2b011dbb8690c9435ca7b22ab32046c4de6f05b60973e7972646e5107e0c1db7
-- read cancelled event 5: a3d0df2fe18b5e29b28fd655f6f11ce494eb960b164c2ceba06dce84c61e3f16
-- read cancelled failure message: the easel's broken
-- read cancelled failure metadata: {"httpStatus": "400"}
-- read cancelled failure: PROVIDER_REJECTED
-- read cancelled image-1 failure message: the easel's broken
-- read cancelled image-1 failure metadata: {"httpStatus": "400"}
-- read cancelled image-1 failure: PROVIDER_REJECTED
-- read cancelled image-1 image: -
-- read cancelled image-1 reused: false
-- read cancelled image-1 state: cancelled
-- read cancelled mode: reuse
-- read cancelled plan: 08fadc1fe0e65d5cf2cf9e97bdbec48ef638ff61f42bc2d93978f7bffe090237
-- read cancelled plan_digest: sha256:08fadc1fe0e65d5cf2cf9e97bdbec48ef638ff61f42bc2d93978f7bffe090237
-- read cancelled request_id: request-cancelled
-- read cancelled reserved_nanos: 0
-- read cancelled session_id: s1
-- read cancelled settled_nanos: 0
-- read cancelled started_us: 1700000000034000
-- read cancelled state: cancelled
-- read cancelled take: 0
-- read cancelled unknown_held_nanos: 0
-- read completed cancel_requested: false
-- read completed created_us: 1700000000000000
-- read completed currency: USD
-- read completed ended_us: 1700000000012000
-- read completed event 10: 645e9813218dc696efd4249aed647a74e9aa1545ed3a19bc440fe17514b7e556
-- read completed event 11: dee12c09abd67abc8c36ce884f7785a9723830e82860a3b16422ef7e4ced4011
-- read completed event 12: 9809e659c72e674560bc5cf65aacfefd40a926a9a570902a48a48a4915e94b22
-- read completed event 13: b53634a25bff364d02490a521d3a2da23acd0ffe8b15f6a03304cac5134fcc0a
-- read completed event 14: 4feeff5c19529e13d8d5fe144d13cab3fd4b553d1e1d33e1002d9d255048c967
-- read completed event 15: 5496d5cefe668126ebbe153cfb5ea3ff5cd0eef3826a50a6db0634b2bbf24d1a
-- read completed event 16: abf65b23caab341edd2206e689e066a65cdc1b1a23345fd8ccc23b4bb9fa308e
-- read completed event 17: 2293ba519214e61ca4d55563a84de02ac2f29d37fae57038ff2e171e869e96ac
-- read completed event 18: 67cd5f342a7550c7cc436e33c7aff22119cfc2bf537a14f8746a0e92177dc76a
-- read completed event 19: 1cc6ebb059a5d12a3ab7d486087bbf9d889e8c3f58778e24b14a67f40797f6f5
-- read completed event 1: 13821d481a35e349fd1016b216d6f24a31a12ac3c3a8984a749b7d7055bd2e05
-- read completed event 2: 3b5e5f5b3494782d43e392941c91819512a9e3331b481c35d99d396a0cc3f8d5
-- read completed event 3: 3f980c4046178e6250552e1ad12935c828ed2c38a131fd5fcf72c9cbbf5e8590
-- read completed event 4: 233acc91698b05a7bb63dc5e382c278bbc9bb617b9e2a028aa6ddcc8e5c5e434
-- read completed event 5: 41529c971ae02a557b8f14079ccc5eb898691ca4cc9851c262a5df99220dd6eb
-- read completed event 6: a7e166199a06ef8fd198b8c9a55b8b2198ddd304084d2a388d55d1f5e0541c03
-- read completed event 7: 21d01e1436019811ef32a080798650f7e1b0d8f34befb613a00aa12afd8bedcb
-- read completed event 8: 21664865534c5a858d86fef1ed117b19686762ef851604487108100db6128165
-- read completed event 9: 4207b84fd559295133a4fc9d4b645a8c9456486fe684ba52d71b0e54782f09c4
-- read completed image-1 1 answer at_us: 1700000000005000
-- read completed image-1 1 answer headers: {"x-cost": "0.04"}
-- read completed image-1 1 answer key: staging/018bcfe5-6800-7000-8000-000000000a01
-- read completed image-1 1 answer media_type: image/png
-- read completed image-1 1 answer request_id: req-before
-- read completed image-1 1 answer sha256: 956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c
-- read completed image-1 1 billed_nanos: 40000000
-- read completed image-1 1 ceiling_nanos: 50000000
-- read completed image-1 1 class: D
-- read completed image-1 1 cost_estimated: false
-- read completed image-1 1 cost_nanos: 40000000
-- read completed image-1 1 cost_source: usage
-- read completed image-1 1 dispatched_us: 1700000000004000
-- read completed image-1 1 effective_seed: 18446744073709551615
-- read completed image-1 1 ended_us: 1700000000006000
-- read completed image-1 1 id: 018bcfe5-6800-7000-8000-000000000a01
-- read completed image-1 1 model: easel-1
-- read completed image-1 1 model_version: easel-1.2
-- read completed image-1 1 prepared_us: 1700000000002000
-- read completed image-1 1 provider: easel
-- read completed image-1 1 provider_request_id: req-before
-- read completed image-1 1 received_us: 1700000000005000
-- read completed image-1 1 render_digest: sha256:1e0f3055eb00b2d3747457d1a75fe79e006bef8d193ced4dae75dc79f89cfd5e
-- read completed image-1 1 revised_prompt: it's as drawn
-- read completed image-1 1 send_by_us: 1700000005005000
-- read completed image-1 1 state: committed
-- read completed image-1 1 target: 0
-- read completed image-1 1 usage: {"image": 1}
-- read completed image-1 image attempt: 018bcfe5-6800-7000-8000-000000000a01
-- read completed image-1 image cost_nanos: 40000000
-- read completed image-1 image cost_source: usage
-- read completed image-1 image created_us: 1700000000006000
-- read completed image-1 image effective_seed: 18446744073709551615
-- read completed image-1 image generation_time_ms: 1234
-- read completed image-1 image id: 4ec62ca5-056d-5cae-8f2c-186cd14fd530
-- read completed image-1 image label mood: calm
-- read completed image-1 image model_version: easel-1.2
-- read completed image-1 image plan_digest: sha256:d2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813
-- read completed image-1 image prompt: completed 0
-- read completed image-1 image provider_request_id: req-before
-- read completed image-1 image quality_score_bp: 8700
-- read completed image-1 image render_digest: sha256:1e0f3055eb00b2d3747457d1a75fe79e006bef8d193ced4dae75dc79f89cfd5e
-- read completed image-1 image rendered_sha256: 956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c
-- read completed image-1 image revised_prompt: it's as drawn
-- read completed image-1 image seed: 7
-- read completed image-1 image size_bytes: 159
-- read completed image-1 image storage_key: clients/golden/images/4ec62ca5-056d-5cae-8f2c-186cd14fd530.png
-- read completed image-1 image stored_sha256: 956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c
-- read completed image-1 image thumbnail: clients/golden/images/4ec62ca5-056d-5cae-8f2c-186cd14fd530.8.jpg
-- read completed image-1 image: 4ec62ca5-056d-5cae-8f2c-186cd14fd530
-- read completed image-1 reused: false
-- read completed image-1 state: completed
-- read completed image-2 1 answer at_us: 1700000000010000
-- read completed image-2 1 answer headers: {"x-cost": "0.04"}
-- read completed image-2 1 answer key: staging/018bcfe5-6800-7000-8000-000000000a02
-- read completed image-2 1 answer media_type: image/png
-- read completed image-2 1 answer request_id: req-before
-- read completed image-2 1 answer sha256: 956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c
-- read completed image-2 1 billed_nanos: 40000000
-- read completed image-2 1 ceiling_nanos: 50000000
-- read completed image-2 1 class: D
-- read completed image-2 1 cost_estimated: false
-- read completed image-2 1 cost_nanos: 40000000
-- read completed image-2 1 cost_source: usage
-- read completed image-2 1 dispatched_us: 1700000000009000
-- read completed image-2 1 effective_seed: 18446744073709551615
-- read completed image-2 1 ended_us: 1700000000011000
-- read completed image-2 1 id: 018bcfe5-6800-7000-8000-000000000a02
-- read completed image-2 1 model: easel-1
-- read completed image-2 1 model_version: easel-1.2
-- read completed image-2 1 prepared_us: 1700000000007000
-- read completed image-2 1 provider: easel
-- read completed image-2 1 provider_request_id: req-before
-- read completed image-2 1 received_us: 1700000000010000
-- read completed image-2 1 render_digest: sha256:4e62082730a104a17abfc5943ea56fcd368d28db346f2f53fdaa419631527c5e
-- read completed image-2 1 revised_prompt: it's as drawn
-- read completed image-2 1 send_by_us: 1700000005010000
-- read completed image-2 1 state: committed
-- read completed image-2 1 target: 0
-- read completed image-2 1 usage: {"image": 1}
-- read completed image-2 image attempt: 018bcfe5-6800-7000-8000-000000000a02
-- read completed image-2 image cost_nanos: 40000000
-- read completed image-2 image cost_source: usage
-- read completed image-2 image created_us: 1700000000011000
-- read completed image-2 image effective_seed: 18446744073709551615
-- read completed image-2 image generation_time_ms: 1234
-- read completed image-2 image id: 82ef2123-5446-5d58-b90e-5c5ef49570a5
-- read completed image-2 image label mood: calm
-- read completed image-2 image model_version: easel-1.2
-- read completed image-2 image plan_digest: sha256:d2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813
-- read completed image-2 image prompt: completed 1
-- read completed image-2 image provider_request_id: req-before
-- read completed image-2 image quality_score_bp: 8700
-- read completed image-2 image render_digest: sha256:4e62082730a104a17abfc5943ea56fcd368d28db346f2f53fdaa419631527c5e
-- read completed image-2 image rendered_sha256: 956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c
-- read completed image-2 image revised_prompt: it's as drawn
-- read completed image-2 image seed: 7
-- read completed image-2 image size_bytes: 159
-- read completed image-2 image storage_key: clients/golden/images/82ef2123-5446-5d58-b90e-5c5ef49570a5.png
-- read completed image-2 image stored_sha256: 956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c
-- read completed image-2 image thumbnail: clients/golden/images/82ef2123-5446-5d58-b90e-5c5ef49570a5.8.jpg
-- read completed image-2 image: 82ef2123-5446-5d58-b90e-5c5ef49570a5
-- read completed image-2 reused: false
-- read completed image-2 state: completed
-- read completed mode: reuse
-- read completed plan: d2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813
-- read completed plan_digest: sha256:d2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813
-- read completed request_id: request-completed
-- read completed reserved_nanos: 0
-- read completed session_id: s1
-- read completed settled_nanos: 80000000
-- read completed started_us: 1700000000001000
-- read completed state: completed
-- read completed take: 0
-- read completed unknown_held_nanos: 0
-- read dispatching cancel_requested: false
-- read dispatching created_us: 1700000000050000
-- read dispatching currency: USD
-- read dispatching ended_us: -
-- read dispatching event 1: 2eb3888098492e0974fee71dc5cc09ca291fc79c97ff3c6f77310c214ec27a1a
-- read dispatching event 2: 3a75454ff0d211b9d9eba748207cdbf3cc2362513c4002b74f9dbcf4ec15f1ba
-- read dispatching event 3: d8a5435f5b5f772386c6a0abf6849f19c923a789559c83e1b590671063a9039b
-- read dispatching event 4: edbc78a1fcf243baebab9cfdabd52b4db2fefd8a312cbec6eeaa128a2d194eac
-- read dispatching event 5: ef505a0bb39bb6f9a5b4487705d56cf9dca9f6e3400d1252d1816aed301dc2cf
-- read dispatching event 6: c2ed4f4ae687a2225f75158dc1277b0c89bcb82579fe32ee07a5f6a4c354bf3a
-- read dispatching image-1 1 ceiling_nanos: 50000000
-- read dispatching image-1 1 class: D
-- read dispatching image-1 1 cost_estimated: false
-- read dispatching image-1 1 cost_nanos: -
-- read dispatching image-1 1 cost_source:
-- read dispatching image-1 1 dispatched_us: 1700000000054000
-- read dispatching image-1 1 effective_seed: -
-- read dispatching image-1 1 ended_us: -
-- read dispatching image-1 1 id: 018bcfe5-6800-7000-8000-000000000a08
-- read dispatching image-1 1 model: easel-1
-- read dispatching image-1 1 model_version:
-- read dispatching image-1 1 prepared_us: 1700000000052000
-- read dispatching image-1 1 provider: easel
-- read dispatching image-1 1 provider_request_id:
-- read dispatching image-1 1 received_us: -
-- read dispatching image-1 1 render_digest: sha256:842558ce756738744531aa7bf2710a5a16447d8b451e35cb29341c46390dd81a
-- read dispatching image-1 1 revised_prompt:
-- read dispatching image-1 1 send_by_us: 1700000005055000
-- read dispatching image-1 1 state: dispatching
-- read dispatching image-1 1 target: 0
-- read dispatching image-1 1 usage: {}
-- read dispatching image-1 image: -
-- read dispatching image-1 reused: false
-- read dispatching image-1 state: processing
-- read dispatching mode: reuse
-- read dispatching plan: de46e76a5423479391c4adda176263f24eadcef60a27afc69c08f079f5c464e7
-- read dispatching plan_digest: sha256:de46e76a5423479391c4adda176263f24eadcef60a27afc69c08f079f5c464e7
-- read dispatching request_id: request-dispatching
-- read dispatching reserved_nanos: 50000000
-- read dispatching session_id: s1
-- read dispatching settled_nanos: 0
-- read dispatching started_us: 1700000000051000
-- read dispatching state: processing
-- read dispatching take: 0
-- read dispatching unknown_held_nanos: 0
-- read failed cancel_requested: false
-- read failed created_us: 1700000000013000
-- read failed currency: USD
-- read failed ended_us: 1700000000024000
-- read failed event 10: 5580f6282569b00d39ba8e1e7aefeb6f859481aaabcb4077245515411a82c268
-- read failed event 11: dcc5c97d9a7820888540fd94873dceeff8c643a3e9b376d89fe2c5300f3bd01f
-- read failed event 12: 55c4bf69d2cc1c3f4f5bd732bc774416588821ccf275a5a223a3b6eb2b9bfe48
-- read failed event 13: 0b6e1a1d551ac44902c0f9006674bae95034db488b4dd7f5d2f8e851b8c02602
-- read failed event 14: 76b88de89f8b60f234bee700607ae4f4d0cc175fcd7147b85d0557ef9f88fb02
-- read failed event 15: b804e179a511d80c9e0603d4c6d167059dcf8fa0006ef7c74e98de2e289b0409
-- read failed event 16: 42550fdc1ecdb86765dbfa21d4dd7f3cd30d4dc6e97eb0534e6ad322b64b9618
-- read failed event 1: c531099780404df0a6f160ce4899e22ae6cbf808af9f2f9a184404485f10f348
-- read failed event 2: 9ccb7c4fed297cdf6551fdb2e5f07f58d82269a61e9d283e63053021bcd68639
-- read failed event 3: 29c1a5f5353460df4e2831f57104de462cfd7de3900e3cb703e3d1049ea0ee46
-- read failed event 4: 8972e30721c993b3f503d426e20b0ee973ec5343c16f8fa43a47b0e08f10573e
-- read failed event 5: a1578cdb9c9c67935ce9990e9279ec57c1e7802f7043e803293cc7075a2c342e
-- read failed event 6: 227c8af69cf11d748e96c0c65561c4baf76ccc690dc7c6876d5bf23646eaf1a1
-- read failed event 7: 7cf6dc1456e9ef680ed170ca4e45d3128b98265ee1564eea6a89fb86c7bec29d
-- read failed event 8: 890ef87667592ecb816cd9ea13080e110d68900a413a4367370a4c531722eab1
-- read failed event 9: 4c961c4ae55fdccb24148fc78b87f6a1a0c10440b2a0d0a1dfd6066011efb01c
-- read failed failure message: the easel's broken
-- read failed failure metadata: {"httpStatus": "400"}
-- read failed failure: PROVIDER_REJECTED
-- read failed image-1 1 ceiling_nanos: 50000000
-- read failed image-1 1 class: D
-- read failed image-1 1 cost_estimated: false
-- read failed image-1 1 cost_nanos: -
-- read failed image-1 1 cost_source:
-- read failed image-1 1 dispatched_us: 1700000000017000
-- read failed image-1 1 effective_seed: -
-- read failed image-1 1 ended_us: 1700000000018000
-- read failed image-1 1 failure message: the easel's broken
-- read failed image-1 1 failure metadata: {"httpStatus": "400"}
-- read failed image-1 1 failure: PROVIDER_REJECTED
-- read failed image-1 1 id: 018bcfe5-6800-7000-8000-000000000a03
-- read failed image-1 1 model: easel-1
-- read failed image-1 1 model_version:
-- read failed image-1 1 prepared_us: 1700000000015000
-- read failed image-1 1 provider: easel
-- read failed image-1 1 provider_request_id: req-before
-- read failed image-1 1 received_us: -
-- read failed image-1 1 render_digest: sha256:0b6929c317de9b126c90aeed3d25d4e557790852b474da64351b492389f97dcd
-- read failed image-1 1 revised_prompt:
-- read failed image-1 1 send_by_us: 1700000005018000
-- read failed image-1 1 state: rejected
-- read failed image-1 1 target: 0
-- read failed image-1 1 usage: {}
-- read failed image-1 2 answer at_us: 1700000000021000
-- read failed image-1 2 answer headers: {"x-cost": "0.04"}
-- read failed image-1 2 answer key: staging/018bcfe5-6800-7000-8000-000000000a04
-- read failed image-1 2 answer media_type: image/png
-- read failed image-1 2 answer request_id: req-before
-- read failed image-1 2 answer sha256: 956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c
-- read failed image-1 2 billed_nanos: 40000000
-- read failed image-1 2 ceiling_nanos: 50000000
-- read failed image-1 2 class: D
-- read failed image-1 2 cost_estimated: true
-- read failed image-1 2 cost_nanos: 40000000
-- read failed image-1 2 cost_source: estimated
-- read failed image-1 2 dispatched_us: 1700000000020000
-- read failed image-1 2 effective_seed: -
-- read failed image-1 2 ended_us: 1700000000022000
-- read failed image-1 2 failure message: the easel's broken
-- read failed image-1 2 failure metadata: {"httpStatus": "400"}
-- read failed image-1 2 failure: PROVIDER_REJECTED
-- read failed image-1 2 id: 018bcfe5-6800-7000-8000-000000000a04
-- read failed image-1 2 model: easel-1
-- read failed image-1 2 model_version:
-- read failed image-1 2 prepared_us: 1700000000019000
-- read failed image-1 2 provider: easel
-- read failed image-1 2 provider_request_id: req-before
-- read failed image-1 2 received_us: 1700000000021000
-- read failed image-1 2 render_digest: sha256:0b6929c317de9b126c90aeed3d25d4e557790852b474da64351b492389f97dcd
-- read failed image-1 2 revised_prompt:
-- read failed image-1 2 send_by_us: 1700000005021000
-- read failed image-1 2 state: failed_paid
-- read failed image-1 2 target: 0
-- read failed image-1 2 usage: {}
-- read failed image-1 failure message: the easel's broken
-- read failed image-1 failure metadata: {"httpStatus": "400"}
-- read failed image-1 failure: PROVIDER_REJECTED
-- read failed image-1 image: -
-- read failed image-1 reused: false
-- read failed image-1 state: failed
-- read failed mode: reuse
-- read failed plan: f5d10ad80189fe4dc3627651d733296986ef3270d17b7184931c1c135134bb67
-- read failed plan_digest: sha256:f5d10ad80189fe4dc3627651d733296986ef3270d17b7184931c1c135134bb67
-- read failed request_id: request-failed
-- read failed reserved_nanos: 0
-- read failed session_id: s1
-- read failed settled_nanos: 40000000
-- read failed started_us: 1700000000014000
-- read failed state: failed
-- read failed take: 0
-- read failed unknown_held_nanos: 0
-- read pending cancel_requested: false
-- read pending created_us: 1700000000061000
-- read pending currency: USD
-- read pending ended_us: -
-- read pending event 1: 0f2290c6fac6f4fa8be9949b1d3c894d7348bcfe1a8cd395a9073ee92a65bd2d
-- read pending image-1 image: -
-- read pending image-1 reused: false
-- read pending image-1 state: pending
-- read pending mode: reuse
-- read pending plan: 5a17d4618c774a7c10dc0f38063c4dac4eea66186dc6b2a878ff251df9b064d5
-- read pending plan_digest: sha256:5a17d4618c774a7c10dc0f38063c4dac4eea66186dc6b2a878ff251df9b064d5
-- read pending request_id: request-pending
-- read pending reserved_nanos: 0
-- read pending session_id: s1
-- read pending settled_nanos: 0
-- read pending started_us: -
-- read pending state: pending
-- read pending take: 0
-- read pending unknown_held_nanos: 0
-- read prepared cancel_requested: false
-- read prepared created_us: 1700000000046000
-- read prepared currency: USD
-- read prepared ended_us: -
-- read prepared event 1: f515ccee0bf3c2afd7ab13555c8b4e8de622e112c9d5be4f708953eed1d42447
-- read prepared event 2: d92e6ce825bf67fea6a3d5bee5de38e4a49b4f32512a440157762a58f1071414
-- read prepared event 3: f5494b28f313631f7ffe2ceb90c9785caf610244197d9d84ee2fd4c8353ac1b4
-- read prepared event 4: 443141414f48bc9d4513fac836364aed64a6f784f0e058feddd31aa271df4d33
-- read prepared event 5: 0af954b60b8ea6d1f217d38cb9ffbdb85345e9e39eb51895bbdb5cc4cc97f139
-- read prepared image-1 1 ceiling_nanos: 50000000
-- read prepared image-1 1 class: D
-- read prepared image-1 1 cost_estimated: false
-- read prepared image-1 1 cost_nanos: -
-- read prepared image-1 1 cost_source:
-- read prepared image-1 1 dispatched_us: -
-- read prepared image-1 1 effective_seed: -
-- read prepared image-1 1 ended_us: -
-- read prepared image-1 1 id: 018bcfe5-6800-7000-8000-000000000a07
-- read prepared image-1 1 model: easel-1
-- read prepared image-1 1 model_version:
-- read prepared image-1 1 prepared_us: 1700000000048000
-- read prepared image-1 1 provider: easel
-- read prepared image-1 1 provider_request_id:
-- read prepared image-1 1 received_us: -
-- read prepared image-1 1 render_digest: sha256:4e168e8aa8972bb5238ba4912ce250a9fe6fd03778212f8c41be77192bbb972e
-- read prepared image-1 1 revised_prompt:
-- read prepared image-1 1 send_by_us: -
-- read prepared image-1 1 state: prepared
-- read prepared image-1 1 target: 0
-- read prepared image-1 1 usage: {}
-- read prepared image-1 image: -
-- read prepared image-1 reused: false
-- read prepared image-1 state: processing
-- read prepared mode: reuse
-- read prepared plan: 97a2e8ee67bc90e7d88deb16d5979273b3f46da3f49992d07cebffb805f691a4
-- read prepared plan_digest: sha256:97a2e8ee67bc90e7d88deb16d5979273b3f46da3f49992d07cebffb805f691a4
-- read prepared request_id: request-prepared
-- read prepared reserved_nanos: 50000000
-- read prepared session_id: s1
-- read prepared settled_nanos: 0
-- read prepared started_us: 1700000000047000
-- read prepared state: processing
-- read prepared take: 0
-- read prepared unknown_held_nanos: 0
-- read received cancel_requested: false
-- read received created_us: 1700000000055000
-- read received currency: USD
-- read received ended_us: -
-- read received event 1: 35cd34f3ee4d5800975f49529a46f640d86cbe26ba51cfcb8f7257acf4a0306b
-- read received event 2: 2d44424ffd2d478ae12a26293ba7fc6c44b917921defd2e88f116151416dfee7
-- read received event 3: 8a3a3afa88873d20f303f3df24b89602c273fd564d2f436893190fd118297d4c
-- read received event 4: 1c962a4d5f84af84152727cddd11dd2b4434d0fd4cda4dcaf67e7781e1677964
-- read received event 5: 2fbf11f83b392eb3f06a56839b71efd95837da84b03bf837299e72bf5a9072bd
-- read received event 6: ca233793dc59918f315e2d915ffd78ab837dd1e5e4809e89494a3781264578a7
-- read received event 7: e51ddb8f6a2c0cd938a6860d012ea521b04459d9ea7f7f7e6e71d62103447aa1
-- read received image-1 1 answer at_us: 1700000000060000
-- read received image-1 1 answer headers: {"x-cost": "0.04"}
-- read received image-1 1 answer key: staging/018bcfe5-6800-7000-8000-000000000a09
-- read received image-1 1 answer media_type: image/png
-- read received image-1 1 answer request_id: req-before
-- read received image-1 1 answer sha256: 956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c
-- read received image-1 1 ceiling_nanos: 50000000
-- read received image-1 1 class: D
-- read received image-1 1 cost_estimated: false
-- read received image-1 1 cost_nanos: -
-- read received image-1 1 cost_source:
-- read received image-1 1 dispatched_us: 1700000000059000
-- read received image-1 1 effective_seed: -
-- read received image-1 1 ended_us: -
-- read received image-1 1 id: 018bcfe5-6800-7000-8000-000000000a09
-- read received image-1 1 model: easel-1
-- read received image-1 1 model_version:
-- read received image-1 1 prepared_us: 1700000000057000
-- read received image-1 1 provider: easel
-- read received image-1 1 provider_request_id: req-before
-- read received image-1 1 received_us: 1700000000060000
-- read received image-1 1 render_digest: sha256:a282a6985726e30d20cc94f1ade6dc23fb7edcc2e497bb4d755be75fb6aeb904
-- read received image-1 1 revised_prompt:
-- read received image-1 1 send_by_us: 1700000005060000
-- read received image-1 1 state: received
-- read received image-1 1 target: 0
-- read received image-1 1 usage: {}
-- read received image-1 image: -
-- read received image-1 reused: false
-- read received image-1 state: processing
-- read received mode: reuse
-- read received plan: f606b92671ce5b2ac72253cdedf16b443ef65ad8073a8263afaf053e30a20706
-- read received plan_digest: sha256:f606b92671ce5b2ac72253cdedf16b443ef65ad8073a8263afaf053e30a20706
-- read received request_id: request-received
-- read received reserved_nanos: 50000000
-- read received session_id: s1
-- read received settled_nanos: 0
-- read received started_us: 1700000000056000
-- read received state: processing
-- read received take: 0
-- read received unknown_held_nanos: 0
-- read unknown cancel_requested: false
-- read unknown created_us: 1700000000038000
-- read unknown currency: USD
-- read unknown ended_us: -
-- read unknown event 10: 5c19127adc3dec666c89c68929f47017bc6afaac35f1a49e359695601885a36e
-- read unknown event 1: 35f9690585c98a105ecff77728b929585e9e6b48859f172f85eae52fffef95fd
-- read unknown event 2: 59a0f9a61b76dd1e7f23853ea051409d0c70d4258cd3c7e9e3de4d78d7fc58ee
-- read unknown event 3: 06bdd63603cf01c71679f9205e09da107ad6b4924bc94a805ed57f069a81c0fd
-- read unknown event 4: bb0ea0a3ee8306b2a7161a9fa5934f90037047923d59debe4d83ffa7eec1a981
-- read unknown event 5: 2b415622e8fc4b421c64863e22303904652376bbb2f20a932e00c05d724d081b
-- read unknown event 6: 585923532ea6a93b2900e3443f81df2e9f8a80b50e9032ce91118119a6f24538
-- read unknown event 7: 96192fc77d270a5d04e5358acb4831bb09adfa1ab106cfef8e9fa0a9680c664d
-- read unknown event 8: dc2be340d84b4361504464e401afcbc0bdb435f56014c83ed8d5f807e91b0421
-- read unknown event 9: 575b0154f9156f731350887dc41394086bc8442b712b029bc9ca50096884998c
-- read unknown image-1 1 ceiling_nanos: 50000000
-- read unknown image-1 1 class: D
-- read unknown image-1 1 cost_estimated: false
-- read unknown image-1 1 cost_nanos: -
-- read unknown image-1 1 cost_source:
-- read unknown image-1 1 dispatched_us: 1700000000042000
-- read unknown image-1 1 effective_seed: -
-- read unknown image-1 1 ended_us: -
-- read unknown image-1 1 failure message: the easel's broken
-- read unknown image-1 1 failure metadata: {"httpStatus": "400"}
-- read unknown image-1 1 failure: PROVIDER_REJECTED
-- read unknown image-1 1 id: 018bcfe5-6800-7000-8000-000000000a06
-- read unknown image-1 1 model: easel-1
-- read unknown image-1 1 model_version:
-- read unknown image-1 1 prepared_us: 1700000000040000
-- read unknown image-1 1 provider: easel
-- read unknown image-1 1 provider_request_id: req-before
-- read unknown image-1 1 received_us: -
-- read unknown image-1 1 render_digest: sha256:2e04711d91cc1e5bef5f1cadcba5780682036354090780800a197c01d5a77a68
-- read unknown image-1 1 revised_prompt:
-- read unknown image-1 1 send_by_us: 1700000005043000
-- read unknown image-1 1 state: unknown
-- read unknown image-1 1 target: 0
-- read unknown image-1 1 usage: {}
-- read unknown image-1 failure message: the easel's broken
-- read unknown image-1 failure metadata: {"httpStatus": "400"}
-- read unknown image-1 failure: PROVIDER_REJECTED
-- read unknown image-1 image: -
-- read unknown image-1 reused: false
-- read unknown image-1 state: needs_decision
-- read unknown mode: reuse
-- read unknown plan: 6467993d268e5ec2095acde780e346f491475dcfd5cb65cb139904195daaa24e
-- read unknown plan_digest: sha256:6467993d268e5ec2095acde780e346f491475dcfd5cb65cb139904195daaa24e
-- read unknown request_id: request-unknown
-- read unknown reserved_nanos: 0
-- read unknown session_id: s1
-- read unknown settled_nanos: 0
-- read unknown started_us: 1700000000039000
-- read unknown state: needs_decision
-- read unknown take: 0
-- read unknown unknown_held_nanos: 50000000

INSERT INTO plans (client, digest_hex, bytes, session_id, kind, created_us, last_executed_us) VALUES
    ('golden', 'd2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813', X'0A0B6C696D6E2E706C616E2F3110011A06676F6C64656E220273312802324B0A07696D6167652D311A400A0D6C696D6E2E72656E6465722F311205656173656C1A07656173656C2D312A0B636F6D706C65746564203038104010700278078A0109696D6167652F706E67324B0A07696D6167652D321A400A0D6C696D6E2E72656E6465722F311205656173656C1A07656173656C2D312A0B636F6D706C65746564203138104010700278078A0109696D6167652F706E673A0D08011A0908031001180220D00F42A6010A0A0A035553441080E89226120A0A035553441080E892261A450A07696D6167652D311A0A0A035553441080B48913220A0A035553441080E1EB172A220A05696D61676510E8071A0A0A035553441080B48913220A0A035553441080B489131A450A07696D6167652D321A0A0A035553441080B48913220A0A035553441080E1EB172A220A05696D61676510E8071A0A0A035553441080B48913220A0A035553441080B48913', 's1', 'PLAN_KIND_BATCH', 1700000000000000, 1700000000000000),
    ('golden', 'f5d10ad80189fe4dc3627651d733296986ef3270d17b7184931c1c135134bb67', X'0A0B6C696D6E2E706C616E2F3110011A06676F6C64656E22027331280232480A07696D6167652D311A3D0A0D6C696D6E2E72656E6465722F311205656173656C1A07656173656C2D312A086661696C6564203038104010700278078A0109696D6167652F706E673A0D08011A0908031001180220D00F425F0A0A0A035553441080B48913120A0A035553441080B489131A450A07696D6167652D311A0A0A035553441080B48913220A0A035553441080E1EB172A220A05696D61676510E8071A0A0A035553441080B48913220A0A035553441080B48913', 's1', 'PLAN_KIND_BATCH', 1700000000013000, 1700000000013000),
    ('golden', 'a47740057741e820189f041a04510fe6b0318f33e9478ff9e6fb24ac0c90536c', X'0A0B6C696D6E2E706C616E2F3110011A06676F6C64656E22027331280232480A07696D6167652D311A3D0A0D6C696D6E2E72656E6465722F311205656173656C1A07656173656C2D312A0862696C6C6564203038104010700278078A0109696D6167652F706E673A0D08011A0908031001180220D00F425F0A0A0A035553441080B48913120A0A035553441080B489131A450A07696D6167652D311A0A0A035553441080B48913220A0A035553441080E1EB172A220A05696D61676510E8071A0A0A035553441080B48913220A0A035553441080B48913', 's1', 'PLAN_KIND_BATCH', 1700000000025000, 1700000000025000),
    ('golden', '08fadc1fe0e65d5cf2cf9e97bdbec48ef638ff61f42bc2d93978f7bffe090237', X'0A0B6C696D6E2E706C616E2F3110011A06676F6C64656E220273312802324B0A07696D6167652D311A400A0D6C696D6E2E72656E6465722F311205656173656C1A07656173656C2D312A0B63616E63656C6C6564203038104010700278078A0109696D6167652F706E673A0D08011A0908031001180220D00F425F0A0A0A035553441080B48913120A0A035553441080B489131A450A07696D6167652D311A0A0A035553441080B48913220A0A035553441080E1EB172A220A05696D61676510E8071A0A0A035553441080B48913220A0A035553441080B48913', 's1', 'PLAN_KIND_BATCH', 1700000000033000, 1700000000033000),
    ('golden', '6467993d268e5ec2095acde780e346f491475dcfd5cb65cb139904195daaa24e', X'0A0B6C696D6E2E706C616E2F3110011A06676F6C64656E22027331280232490A07696D6167652D311A3E0A0D6C696D6E2E72656E6465722F311205656173656C1A07656173656C2D312A09756E6B6E6F776E203038104010700278078A0109696D6167652F706E673A0D08011A0908031001180220D00F425F0A0A0A035553441080B48913120A0A035553441080B489131A450A07696D6167652D311A0A0A035553441080B48913220A0A035553441080E1EB172A220A05696D61676510E8071A0A0A035553441080B48913220A0A035553441080B48913', 's1', 'PLAN_KIND_BATCH', 1700000000038000, 1700000000038000),
    ('golden', '97a2e8ee67bc90e7d88deb16d5979273b3f46da3f49992d07cebffb805f691a4', X'0A0B6C696D6E2E706C616E2F3110011A06676F6C64656E220273312802324A0A07696D6167652D311A3F0A0D6C696D6E2E72656E6465722F311205656173656C1A07656173656C2D312A0A7072657061726564203038104010700278078A0109696D6167652F706E673A0D08011A0908031001180220D00F425F0A0A0A035553441080B48913120A0A035553441080B489131A450A07696D6167652D311A0A0A035553441080B48913220A0A035553441080E1EB172A220A05696D61676510E8071A0A0A035553441080B48913220A0A035553441080B48913', 's1', 'PLAN_KIND_BATCH', 1700000000046000, 1700000000046000),
    ('golden', 'de46e76a5423479391c4adda176263f24eadcef60a27afc69c08f079f5c464e7', X'0A0B6C696D6E2E706C616E2F3110011A06676F6C64656E220273312802324D0A07696D6167652D311A420A0D6C696D6E2E72656E6465722F311205656173656C1A07656173656C2D312A0D6469737061746368696E67203038104010700278078A0109696D6167652F706E673A0D08011A0908031001180220D00F425F0A0A0A035553441080B48913120A0A035553441080B489131A450A07696D6167652D311A0A0A035553441080B48913220A0A035553441080E1EB172A220A05696D61676510E8071A0A0A035553441080B48913220A0A035553441080B48913', 's1', 'PLAN_KIND_BATCH', 1700000000050000, 1700000000050000),
    ('golden', 'f606b92671ce5b2ac72253cdedf16b443ef65ad8073a8263afaf053e30a20706', X'0A0B6C696D6E2E706C616E2F3110011A06676F6C64656E220273312802324A0A07696D6167652D311A3F0A0D6C696D6E2E72656E6465722F311205656173656C1A07656173656C2D312A0A7265636569766564203038104010700278078A0109696D6167652F706E673A0D08011A0908031001180220D00F425F0A0A0A035553441080B48913120A0A035553441080B489131A450A07696D6167652D311A0A0A035553441080B48913220A0A035553441080E1EB172A220A05696D61676510E8071A0A0A035553441080B48913220A0A035553441080B48913', 's1', 'PLAN_KIND_BATCH', 1700000000055000, 1700000000055000),
    ('golden', '5a17d4618c774a7c10dc0f38063c4dac4eea66186dc6b2a878ff251df9b064d5', X'0A0B6C696D6E2E706C616E2F3110011A06676F6C64656E22027331280232490A07696D6167652D311A3E0A0D6C696D6E2E72656E6465722F311205656173656C1A07656173656C2D312A0970656E64696E67203038104010700278078A0109696D6167652F706E673A0D08011A0908031001180220D00F425F0A0A0A035553441080B48913120A0A035553441080B489131A450A07696D6167652D311A0A0A035553441080B48913220A0A035553441080E1EB172A220A05696D61676510E8071A0A0A035553441080B48913220A0A035553441080B48913', 's1', 'PLAN_KIND_BATCH', 1700000000061000, 1700000000061000);

INSERT INTO executions (id, client, plan_digest, session_id, take, request_id, mode, max_concurrency, previous, state, failure, owner_boot_id, lease_epoch, lease_until_us, crash_count, cancel_requested_us, created_us, started_us, ended_us, last_seq, currency, settled_nanos, reserved_nanos, unknown_held_nanos, wake_us, events_pruned_us) VALUES
    ('018bcfe5-6800-7000-8000-000000000e00', 'golden', 'sha256:d2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813', 's1', 0, 'request-completed', 'reuse', 1, NULL, 'completed', NULL, '00000000-0000-0000-0000-0000b0070000', 1, NULL, 0, NULL, 1700000000000000, 1700000000001000, 1700000000012000, 19, 'USD', 80000000, 0, 0, NULL, NULL),
    ('018bcfe5-6800-7000-8000-000000000e01', 'golden', 'sha256:f5d10ad80189fe4dc3627651d733296986ef3270d17b7184931c1c135134bb67', 's1', 0, 'request-failed', 'reuse', 1, NULL, 'failed', X'0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', '00000000-0000-0000-0000-0000b0070001', 1, NULL, 0, NULL, 1700000000013000, 1700000000014000, 1700000000024000, 16, 'USD', 40000000, 0, 0, NULL, NULL),
    ('018bcfe5-6800-7000-8000-000000000e02', 'golden', 'sha256:a47740057741e820189f041a04510fe6b0318f33e9478ff9e6fb24ac0c90536c', 's1', 0, 'request-billed', 'reuse', 1, NULL, 'failed', X'0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', '00000000-0000-0000-0000-0000b0070002', 1, NULL, 0, NULL, 1700000000025000, 1700000000026000, 1700000000032000, 10, 'USD', 0, 0, 50000000, NULL, NULL),
    ('018bcfe5-6800-7000-8000-000000000e03', 'golden', 'sha256:08fadc1fe0e65d5cf2cf9e97bdbec48ef638ff61f42bc2d93978f7bffe090237', 's1', 0, 'request-cancelled', 'reuse', 1, NULL, 'cancelled', X'0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', '00000000-0000-0000-0000-0000b0070003', 1, NULL, 0, 1700000000035000, 1700000000033000, 1700000000034000, 1700000000037000, 5, 'USD', 0, 0, 0, NULL, NULL),
    ('018bcfe5-6800-7000-8000-000000000e04', 'golden', 'sha256:6467993d268e5ec2095acde780e346f491475dcfd5cb65cb139904195daaa24e', 's1', 0, 'request-unknown', 'reuse', 1, NULL, 'needs_decision', NULL, NULL, 1, NULL, 0, NULL, 1700000000038000, 1700000000039000, NULL, 10, 'USD', 0, 0, 50000000, 1700001800046000, NULL),
    ('018bcfe5-6800-7000-8000-000000000e05', 'golden', 'sha256:97a2e8ee67bc90e7d88deb16d5979273b3f46da3f49992d07cebffb805f691a4', 's1', 0, 'request-prepared', 'reuse', 1, NULL, 'processing', NULL, '00000000-0000-0000-0000-0000b0070005', 1, 1700000030047000, 0, NULL, 1700000000046000, 1700000000047000, NULL, 5, 'USD', 0, 50000000, 0, NULL, NULL),
    ('018bcfe5-6800-7000-8000-000000000e06', 'golden', 'sha256:de46e76a5423479391c4adda176263f24eadcef60a27afc69c08f079f5c464e7', 's1', 0, 'request-dispatching', 'reuse', 1, NULL, 'processing', NULL, '00000000-0000-0000-0000-0000b0070006', 1, 1700000030051000, 0, NULL, 1700000000050000, 1700000000051000, NULL, 6, 'USD', 0, 50000000, 0, NULL, NULL),
    ('018bcfe5-6800-7000-8000-000000000e07', 'golden', 'sha256:f606b92671ce5b2ac72253cdedf16b443ef65ad8073a8263afaf053e30a20706', 's1', 0, 'request-received', 'reuse', 1, NULL, 'processing', NULL, '00000000-0000-0000-0000-0000b0070007', 1, 1700000030056000, 0, NULL, 1700000000055000, 1700000000056000, NULL, 7, 'USD', 0, 50000000, 0, NULL, NULL),
    ('018bcfe5-6800-7000-8000-000000000e08', 'golden', 'sha256:5a17d4618c774a7c10dc0f38063c4dac4eea66186dc6b2a878ff251df9b064d5', 's1', 0, 'request-pending', 'reuse', 1, NULL, 'pending', NULL, NULL, 0, NULL, 0, NULL, 1700000000061000, NULL, NULL, 1, 'USD', 0, 0, 0, NULL, NULL);

INSERT INTO requests (client, request_id, request_hash, execution_id) VALUES
    ('golden', 'request-completed', '4ddb3e96801a1ee2b77dc5247c0db478d5f97a93b90e7cdb09f5f51d43764b08', '018bcfe5-6800-7000-8000-000000000e00'),
    ('golden', 'request-failed', '5d28a90f4498a81461efbaf6f628a19d9778390bb5c81a393dd936181cc3d826', '018bcfe5-6800-7000-8000-000000000e01'),
    ('golden', 'request-billed', 'b63ba6408ee0a7b48f1b377f6423d68d9c8d95a4a8785002e7c0e8693e9e5b2c', '018bcfe5-6800-7000-8000-000000000e02'),
    ('golden', 'request-cancelled', '8b47045eb7b8ca42aa967f33ee1d014ba89f8d1ac207426b482d34b5c0d90935', '018bcfe5-6800-7000-8000-000000000e03'),
    ('golden', 'request-unknown', 'b23a6a8439c0dde5515893e7c90c1e3233b8616e634470f20dc4928bcf3609bc', '018bcfe5-6800-7000-8000-000000000e04'),
    ('golden', 'request-prepared', 'b0f4b2e7996a5f4f315bdbc6233973376144870ecd6524e417c05c36dde88745', '018bcfe5-6800-7000-8000-000000000e05'),
    ('golden', 'request-dispatching', '601cd8defce1a17bae47ff70d0834f0585d503c575639c200d600961789d534d', '018bcfe5-6800-7000-8000-000000000e06'),
    ('golden', 'request-received', '318c5ad51e9b36ff5924ae323dd59031245413a3e0f2aa3e03cc42902e9e7acc', '018bcfe5-6800-7000-8000-000000000e07'),
    ('golden', 'request-pending', '62a2fed3d6e08c44835fce71f02210b1ddabfb066e39edf1e6c261988f824dd3', '018bcfe5-6800-7000-8000-000000000e08');

INSERT INTO steps (execution_id, step_id, ordinal, state, image_id, reused, failure, wait, skipped_targets, below_threshold) VALUES
    ('018bcfe5-6800-7000-8000-000000000e00', 'image-1', 0, 'completed', '4ec62ca5-056d-5cae-8f2c-186cd14fd530', 0, NULL, NULL, NULL, 0),
    ('018bcfe5-6800-7000-8000-000000000e00', 'image-2', 1, 'completed', '82ef2123-5446-5d58-b90e-5c5ef49570a5', 0, NULL, NULL, NULL, 0),
    ('018bcfe5-6800-7000-8000-000000000e01', 'image-1', 0, 'failed', NULL, 0, X'0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', NULL, NULL, 0),
    ('018bcfe5-6800-7000-8000-000000000e02', 'image-1', 0, 'failed', NULL, 0, X'0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', NULL, NULL, 0),
    ('018bcfe5-6800-7000-8000-000000000e03', 'image-1', 0, 'cancelled', NULL, 0, X'0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', NULL, NULL, 0),
    ('018bcfe5-6800-7000-8000-000000000e04', 'image-1', 0, 'needs_decision', NULL, 0, X'0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', NULL, NULL, 0),
    ('018bcfe5-6800-7000-8000-000000000e05', 'image-1', 0, 'processing', NULL, 0, NULL, NULL, NULL, 0),
    ('018bcfe5-6800-7000-8000-000000000e06', 'image-1', 0, 'processing', NULL, 0, NULL, NULL, NULL, 0),
    ('018bcfe5-6800-7000-8000-000000000e07', 'image-1', 0, 'processing', NULL, 0, NULL, NULL, NULL, 0),
    ('018bcfe5-6800-7000-8000-000000000e08', 'image-1', 0, 'pending', NULL, 0, NULL, NULL, NULL, 0);

INSERT INTO units (client, render_digest, take, state, execution_id, step_id, image_id) VALUES
    ('golden', 'sha256:1e0f3055eb00b2d3747457d1a75fe79e006bef8d193ced4dae75dc79f89cfd5e', 0, 'completed', '018bcfe5-6800-7000-8000-000000000e00', 'image-1', '4ec62ca5-056d-5cae-8f2c-186cd14fd530'),
    ('golden', 'sha256:4e62082730a104a17abfc5943ea56fcd368d28db346f2f53fdaa419631527c5e', 0, 'completed', '018bcfe5-6800-7000-8000-000000000e00', 'image-2', '82ef2123-5446-5d58-b90e-5c5ef49570a5'),
    ('golden', 'sha256:0b6929c317de9b126c90aeed3d25d4e557790852b474da64351b492389f97dcd', 0, 'idle', NULL, NULL, NULL),
    ('golden', 'sha256:08212ccd300c5672bdf3d9741de59b71d3d6c74f0ea2460209c01fa9488ce849', 0, 'idle', NULL, NULL, NULL),
    ('golden', 'sha256:2e04711d91cc1e5bef5f1cadcba5780682036354090780800a197c01d5a77a68', 0, 'open', '018bcfe5-6800-7000-8000-000000000e04', 'image-1', NULL),
    ('golden', 'sha256:4e168e8aa8972bb5238ba4912ce250a9fe6fd03778212f8c41be77192bbb972e', 0, 'open', '018bcfe5-6800-7000-8000-000000000e05', 'image-1', NULL),
    ('golden', 'sha256:842558ce756738744531aa7bf2710a5a16447d8b451e35cb29341c46390dd81a', 0, 'open', '018bcfe5-6800-7000-8000-000000000e06', 'image-1', NULL),
    ('golden', 'sha256:a282a6985726e30d20cc94f1ade6dc23fb7edcc2e497bb4d755be75fb6aeb904', 0, 'open', '018bcfe5-6800-7000-8000-000000000e07', 'image-1', NULL);

INSERT INTO attempts (id, execution_id, step_id, number, client, render_digest, take, target, provider, model, class, state, ceiling_nanos, reserved_nanos, unknown_held_nanos, cost_nanos, cost_estimated, job_id, provider_request_id, revised_prompt, failure, prepared_us, dispatched_us, dispatch_epoch, send_by_us, received_us, answer_receipt, ended_us, settled_seq, first_send_by_us, budget_day, resolution, resolution_follow_up, resolution_actor, resolution_reason, unknown_us, effective_seed, model_version, usage, cost_source, reroll, quality_score_bp) VALUES
    ('018bcfe5-6800-7000-8000-000000000a01', '018bcfe5-6800-7000-8000-000000000e00', 'image-1', 1, 'golden', 'sha256:1e0f3055eb00b2d3747457d1a75fe79e006bef8d193ced4dae75dc79f89cfd5e', 0, 0, 'easel', 'easel-1', 'd', 'committed', 50000000, 0, 0, 40000000, 0, '', 'req-before', 'it''s as drawn', NULL, 1700000000002000, 1700000000004000, 1, 1700000005005000, 1700000000005000, 1, 1700000000006000, 8, 1700000005005000, 19675, '', '', '', '', NULL, '18446744073709551615', 'easel-1.2', '{"image":1}', 'usage', 0, 8700),
    ('018bcfe5-6800-7000-8000-000000000a02', '018bcfe5-6800-7000-8000-000000000e00', 'image-2', 1, 'golden', 'sha256:4e62082730a104a17abfc5943ea56fcd368d28db346f2f53fdaa419631527c5e', 0, 0, 'easel', 'easel-1', 'd', 'committed', 50000000, 0, 0, 40000000, 0, '', 'req-before', 'it''s as drawn', NULL, 1700000000007000, 1700000000009000, 1, 1700000005010000, 1700000000010000, 1, 1700000000011000, 16, 1700000005010000, 19675, '', '', '', '', NULL, '18446744073709551615', 'easel-1.2', '{"image":1}', 'usage', 0, 8700),
    ('018bcfe5-6800-7000-8000-000000000a03', '018bcfe5-6800-7000-8000-000000000e01', 'image-1', 1, 'golden', 'sha256:0b6929c317de9b126c90aeed3d25d4e557790852b474da64351b492389f97dcd', 0, 0, 'easel', 'easel-1', 'd', 'rejected', 50000000, 0, 0, NULL, 0, '', 'req-before', '', X'0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000015000, 1700000000017000, 1, 1700000005018000, NULL, NULL, 1700000000018000, NULL, 1700000005018000, 19675, '', '', '', '', NULL, '', '', '', '', 0, NULL),
    ('018bcfe5-6800-7000-8000-000000000a04', '018bcfe5-6800-7000-8000-000000000e01', 'image-1', 2, 'golden', 'sha256:0b6929c317de9b126c90aeed3d25d4e557790852b474da64351b492389f97dcd', 0, 0, 'easel', 'easel-1', 'd', 'failed_paid', 50000000, 0, 0, 40000000, 1, '', 'req-before', '', X'0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000019000, 1700000000020000, 1, 1700000005021000, 1700000000021000, 1, 1700000000022000, 13, 1700000005021000, 19675, '', '', '', '', NULL, '', '', '', 'estimated', 0, NULL),
    ('018bcfe5-6800-7000-8000-000000000a05', '018bcfe5-6800-7000-8000-000000000e02', 'image-1', 1, 'golden', 'sha256:08212ccd300c5672bdf3d9741de59b71d3d6c74f0ea2460209c01fa9488ce849', 0, 0, 'easel', 'easel-1', 'd', 'rejected', 50000000, 0, 50000000, NULL, 0, '', 'req-before', '', X'0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000027000, 1700000000029000, 1, 1700000005030000, NULL, NULL, 1700000000030000, NULL, 1700000005030000, 19675, '', '', '', '', NULL, '', '', '', '', 0, NULL),
    ('018bcfe5-6800-7000-8000-000000000a06', '018bcfe5-6800-7000-8000-000000000e04', 'image-1', 1, 'golden', 'sha256:2e04711d91cc1e5bef5f1cadcba5780682036354090780800a197c01d5a77a68', 0, 0, 'easel', 'easel-1', 'd', 'unknown', 50000000, 0, 50000000, NULL, 0, '', 'req-before', '', X'0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000040000, 1700000000042000, 1, 1700000005043000, NULL, NULL, NULL, NULL, 1700000005043000, 19675, '', '', '', '', 1700000000044000, '', '', '', '', 0, NULL),
    ('018bcfe5-6800-7000-8000-000000000a07', '018bcfe5-6800-7000-8000-000000000e05', 'image-1', 1, 'golden', 'sha256:4e168e8aa8972bb5238ba4912ce250a9fe6fd03778212f8c41be77192bbb972e', 0, 0, 'easel', 'easel-1', 'd', 'prepared', 50000000, 50000000, 0, NULL, 0, '', '', '', NULL, 1700000000048000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 19675, '', '', '', '', NULL, '', '', '', '', 0, NULL),
    ('018bcfe5-6800-7000-8000-000000000a08', '018bcfe5-6800-7000-8000-000000000e06', 'image-1', 1, 'golden', 'sha256:842558ce756738744531aa7bf2710a5a16447d8b451e35cb29341c46390dd81a', 0, 0, 'easel', 'easel-1', 'd', 'dispatching', 50000000, 50000000, 0, NULL, 0, '', '', '', NULL, 1700000000052000, 1700000000054000, 1, 1700000005055000, NULL, NULL, NULL, NULL, 1700000005055000, 19675, '', '', '', '', NULL, '', '', '', '', 0, NULL),
    ('018bcfe5-6800-7000-8000-000000000a09', '018bcfe5-6800-7000-8000-000000000e07', 'image-1', 1, 'golden', 'sha256:a282a6985726e30d20cc94f1ade6dc23fb7edcc2e497bb4d755be75fb6aeb904', 0, 0, 'easel', 'easel-1', 'd', 'received', 50000000, 50000000, 0, NULL, 0, '', 'req-before', '', NULL, 1700000000057000, 1700000000059000, 1, 1700000005060000, 1700000000060000, 1, NULL, NULL, 1700000005060000, 19675, '', '', '', '', NULL, '', '', '', '', 0, NULL);

INSERT INTO receipts (attempt_id, number, kind, staging_key, body_sha256, size_bytes, media_type, request_id, headers, at_us) VALUES
    ('018bcfe5-6800-7000-8000-000000000a01', 1, 'answer', 'staging/018bcfe5-6800-7000-8000-000000000a01', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', 159, 'image/png', 'req-before', '{"x-cost":"0.04"}', 1700000000005000),
    ('018bcfe5-6800-7000-8000-000000000a02', 1, 'answer', 'staging/018bcfe5-6800-7000-8000-000000000a02', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', 159, 'image/png', 'req-before', '{"x-cost":"0.04"}', 1700000000010000),
    ('018bcfe5-6800-7000-8000-000000000a04', 1, 'answer', 'staging/018bcfe5-6800-7000-8000-000000000a04', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', 159, 'image/png', 'req-before', '{"x-cost":"0.04"}', 1700000000021000),
    ('018bcfe5-6800-7000-8000-000000000a09', 1, 'answer', 'staging/018bcfe5-6800-7000-8000-000000000a09', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', 159, 'image/png', 'req-before', '{"x-cost":"0.04"}', 1700000000060000);

INSERT INTO budgets (scope, currency, spent_nanos, reserved_nanos, unknown_held_nanos, limit_nanos, period, updated_us, version) VALUES
    ('clients/golden/budgets/client', 'USD', 120000000, 150000000, 100000000, NULL, 'never', 0, 0),
    ('clients/golden/budgets/session-s1', 'USD', 120000000, 150000000, 100000000, NULL, 'never', 0, 0);

INSERT INTO budget_days (scope, currency, day, spent_nanos, reserved_nanos, unknown_held_nanos) VALUES
    ('clients/golden/budgets/client', 'USD', 19675, 120000000, 150000000, 100000000),
    ('clients/golden/budgets/session-s1', 'USD', 19675, 120000000, 150000000, 100000000);

INSERT INTO ledger (id, event_key, scope, currency, day, kind, amount_nanos, attempt_id, at_us) VALUES
    (1, '018bcfe5-6800-7000-8000-000000000a01/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a01', 1700000000002000),
    (2, '018bcfe5-6800-7000-8000-000000000a01/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a01', 1700000000002000),
    (3, '018bcfe5-6800-7000-8000-000000000a01/release/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'release', 50000000, '018bcfe5-6800-7000-8000-000000000a01', 1700000000006000),
    (4, '018bcfe5-6800-7000-8000-000000000a01/release/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'release', 50000000, '018bcfe5-6800-7000-8000-000000000a01', 1700000000006000),
    (5, '018bcfe5-6800-7000-8000-000000000a01/settle/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'settle', 40000000, '018bcfe5-6800-7000-8000-000000000a01', 1700000000006000),
    (6, '018bcfe5-6800-7000-8000-000000000a01/settle/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'settle', 40000000, '018bcfe5-6800-7000-8000-000000000a01', 1700000000006000),
    (7, '018bcfe5-6800-7000-8000-000000000a02/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a02', 1700000000007000),
    (8, '018bcfe5-6800-7000-8000-000000000a02/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a02', 1700000000007000),
    (9, '018bcfe5-6800-7000-8000-000000000a02/release/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'release', 50000000, '018bcfe5-6800-7000-8000-000000000a02', 1700000000011000),
    (10, '018bcfe5-6800-7000-8000-000000000a02/release/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'release', 50000000, '018bcfe5-6800-7000-8000-000000000a02', 1700000000011000),
    (11, '018bcfe5-6800-7000-8000-000000000a02/settle/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'settle', 40000000, '018bcfe5-6800-7000-8000-000000000a02', 1700000000011000),
    (12, '018bcfe5-6800-7000-8000-000000000a02/settle/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'settle', 40000000, '018bcfe5-6800-7000-8000-000000000a02', 1700000000011000),
    (13, '018bcfe5-6800-7000-8000-000000000a03/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a03', 1700000000015000),
    (14, '018bcfe5-6800-7000-8000-000000000a03/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a03', 1700000000015000),
    (15, '018bcfe5-6800-7000-8000-000000000a03/release/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'release', 50000000, '018bcfe5-6800-7000-8000-000000000a03', 1700000000018000),
    (16, '018bcfe5-6800-7000-8000-000000000a03/release/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'release', 50000000, '018bcfe5-6800-7000-8000-000000000a03', 1700000000018000),
    (17, '018bcfe5-6800-7000-8000-000000000a04/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a04', 1700000000019000),
    (18, '018bcfe5-6800-7000-8000-000000000a04/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a04', 1700000000019000),
    (19, '018bcfe5-6800-7000-8000-000000000a04/release/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'release', 50000000, '018bcfe5-6800-7000-8000-000000000a04', 1700000000022000),
    (20, '018bcfe5-6800-7000-8000-000000000a04/release/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'release', 50000000, '018bcfe5-6800-7000-8000-000000000a04', 1700000000022000),
    (21, '018bcfe5-6800-7000-8000-000000000a04/settle/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'settle', 40000000, '018bcfe5-6800-7000-8000-000000000a04', 1700000000022000),
    (22, '018bcfe5-6800-7000-8000-000000000a04/settle/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'settle', 40000000, '018bcfe5-6800-7000-8000-000000000a04', 1700000000022000),
    (23, '018bcfe5-6800-7000-8000-000000000a05/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a05', 1700000000027000),
    (24, '018bcfe5-6800-7000-8000-000000000a05/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a05', 1700000000027000),
    (25, '018bcfe5-6800-7000-8000-000000000a05/hold/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'hold', 50000000, '018bcfe5-6800-7000-8000-000000000a05', 1700000000030000),
    (26, '018bcfe5-6800-7000-8000-000000000a05/hold/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'hold', 50000000, '018bcfe5-6800-7000-8000-000000000a05', 1700000000030000),
    (27, '018bcfe5-6800-7000-8000-000000000a06/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a06', 1700000000040000),
    (28, '018bcfe5-6800-7000-8000-000000000a06/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a06', 1700000000040000),
    (29, '018bcfe5-6800-7000-8000-000000000a06/hold/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'hold', 50000000, '018bcfe5-6800-7000-8000-000000000a06', 1700000000043000),
    (30, '018bcfe5-6800-7000-8000-000000000a06/hold/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'hold', 50000000, '018bcfe5-6800-7000-8000-000000000a06', 1700000000043000),
    (31, '018bcfe5-6800-7000-8000-000000000a07/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a07', 1700000000048000),
    (32, '018bcfe5-6800-7000-8000-000000000a07/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a07', 1700000000048000),
    (33, '018bcfe5-6800-7000-8000-000000000a08/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a08', 1700000000052000),
    (34, '018bcfe5-6800-7000-8000-000000000a08/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a08', 1700000000052000),
    (35, '018bcfe5-6800-7000-8000-000000000a09/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a09', 1700000000057000),
    (36, '018bcfe5-6800-7000-8000-000000000a09/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 19675, 'reserve', 50000000, '018bcfe5-6800-7000-8000-000000000a09', 1700000000057000);

INSERT INTO events (execution_id, seq, payload, at_us) VALUES
    ('018bcfe5-6800-7000-8000-000000000e00', 1, X'080112060880E2CFAA0642020801', 1700000000000000),
    ('018bcfe5-6800-7000-8000-000000000e00', 2, X'0802120A0880E2CFAA0610C0843D42020802', 1700000000001000),
    ('018bcfe5-6800-7000-8000-000000000e00', 3, X'0803120B0880E2CFAA0610C08DB701220B0A07696D6167652D311002', 1700000000003000),
    ('018bcfe5-6800-7000-8000-000000000e00', 4, X'0804120A0880E2CFAA061080897A2AA8010A07696D6167652D31129C0108011A05656173656C2207656173656C2D312A477368613235363A316530663330353565623030623264333734373435376431613735666537396530303662656638643139336365643464616537356463373966383963666435653A0A0880E2CFAA061080897A6801722430313862636665352D363830302D373030302D383030302D30303030303030303061303182010A0A035553441080E1EB17', 1700000000002000),
    ('018bcfe5-6800-7000-8000-000000000e00', 5, X'0805120A0880E2CFAA061080897A321A0A050A03555344220A0A035553441080E1EB172A050A03555344', 1700000000002000),
    ('018bcfe5-6800-7000-8000-000000000e00', 6, X'0806120B0880E2CFAA06108092F4012AA8010A07696D6167652D31129C0108011A05656173656C2207656173656C2D312A477368613235363A316530663330353565623030623264333734373435376431613735666537396530303662656638643139336365643464616537356463373966383963666435653A0A0880E2CFAA061080897A6802722430313862636665352D363830302D373030302D383030302D30303030303030303061303182010A0A035553441080E1EB17', 1700000000004000),
    ('018bcfe5-6800-7000-8000-000000000e00', 7, X'0807120B0880E2CFAA0610C096B1022AB4010A07696D6167652D3112A80108011A05656173656C2207656173656C2D312A477368613235363A31653066333035356562303062326433373437343537643161373566653739653030366265663864313933636564346461653735646337396638396366643565320A7265712D6265666F72653A0A0880E2CFAA061080897A6804722430313862636665352D363830302D373030302D383030302D30303030303030303061303182010A0A035553441080E1EB17', 1700000000005000),
    ('018bcfe5-6800-7000-8000-000000000e00', 8, X'0808120B0880E2CFAA0610809BEE022A86020A07696D6167652D3112FA0108011A05656173656C2207656173656C2D312A477368613235363A31653066333035356562303062326433373437343537643161373566653739653030366265663864313933636564346461653735646337396638396366643565320A7265712D6265666F72653A0A0880E2CFAA061080897A420B0880E2CFAA0610809BEE0248FC43520A0A035553441080B489135A0D6974277320617320647261776E6805722430313862636665352D363830302D373030302D383030302D30303030303030303061303182010A0A035553441080E1EB17A801FFFFFFFFFFFFFFFFFF01B20109656173656C2D312E32B80102C201090A05696D6167651001', 1700000000006000),
    ('018bcfe5-6800-7000-8000-000000000e00', 9, X'0809120B0880E2CFAA0610809BEE02323E0A0A0A035553441080B4891312200A07696D6167652D3110011A05656173656C220A0A035553441080B489133002180122050A035553442A050A03555344', 1700000000006000),
    ('018bcfe5-6800-7000-8000-000000000e00', 10, X'080A120B0880E2CFAA0610809BEE0222470A07696D6167652D311003223A636C69656E74732F676F6C64656E2F696D616765732F34656336326361352D303536642D356361652D386632632D313836636431346664353330', 1700000000006000),
    ('018bcfe5-6800-7000-8000-000000000e00', 11, X'080B120B0880E2CFAA061080A4E803220B0A07696D6167652D321002', 1700000000008000),
    ('018bcfe5-6800-7000-8000-000000000e00', 12, X'080C120B0880E2CFAA0610C09FAB032AA9010A07696D6167652D32129D0108011A05656173656C2207656173656C2D312A477368613235363A346536323038323733306131303461313761626663353934336561353666636433363864323864623334366632663533666461613431393633313532376335653A0B0880E2CFAA0610C09FAB036801722430313862636665352D363830302D373030302D383030302D30303030303030303061303282010A0A035553441080E1EB17', 1700000000007000),
    ('018bcfe5-6800-7000-8000-000000000e00', 13, X'080D120B0880E2CFAA0610C09FAB03321F0A0A0A035553441080B48913220A0A035553441080E1EB172A050A03555344', 1700000000007000),
    ('018bcfe5-6800-7000-8000-000000000e00', 14, X'080E120B0880E2CFAA0610C0A8A5042AA9010A07696D6167652D32129D0108011A05656173656C2207656173656C2D312A477368613235363A346536323038323733306131303461313761626663353934336561353666636433363864323864623334366632663533666461613431393633313532376335653A0B0880E2CFAA0610C09FAB036802722430313862636665352D363830302D373030302D383030302D30303030303030303061303282010A0A035553441080E1EB17', 1700000000009000),
    ('018bcfe5-6800-7000-8000-000000000e00', 15, X'080F120B0880E2CFAA061080ADE2042AB5010A07696D6167652D3212A90108011A05656173656C2207656173656C2D312A477368613235363A34653632303832373330613130346131376162666335393433656135366663643336386432386462333436663266353366646161343139363331353237633565320A7265712D6265666F72653A0B0880E2CFAA0610C09FAB036804722430313862636665352D363830302D373030302D383030302D30303030303030303061303282010A0A035553441080E1EB17', 1700000000010000),
    ('018bcfe5-6800-7000-8000-000000000e00', 16, X'0810120B0880E2CFAA0610C0B19F052A87020A07696D6167652D3212FB0108011A05656173656C2207656173656C2D312A477368613235363A34653632303832373330613130346131376162666335393433656135366663643336386432386462333436663266353366646161343139363331353237633565320A7265712D6265666F72653A0B0880E2CFAA0610C09FAB03420B0880E2CFAA0610C0B19F0548FC43520A0A035553441080B489135A0D6974277320617320647261776E6805722430313862636665352D363830302D373030302D383030302D30303030303030303061303282010A0A035553441080E1EB17A801FFFFFFFFFFFFFFFFFF01B20109656173656C2D312E32B80102C201090A05696D6167651001', 1700000000011000),
    ('018bcfe5-6800-7000-8000-000000000e00', 17, X'0811120B0880E2CFAA0610C0B19F05323E0A0A0A035553441080E8922612200A07696D6167652D3210011A05656173656C220A0A035553441080B489133002180122050A035553442A050A03555344', 1700000000011000),
    ('018bcfe5-6800-7000-8000-000000000e00', 18, X'0812120B0880E2CFAA0610C0B19F0522470A07696D6167652D321003223A636C69656E74732F676F6C64656E2F696D616765732F38326566323132332D353434362D356435382D623930652D356335656634393537306135', 1700000000011000),
    ('018bcfe5-6800-7000-8000-000000000e00', 19, X'0813120B0880E2CFAA061080B6DC0542020803', 1700000000012000),
    ('018bcfe5-6800-7000-8000-000000000e01', 1, X'0801120B0880E2CFAA0610C0BA990642020801', 1700000000013000),
    ('018bcfe5-6800-7000-8000-000000000e01', 2, X'0802120B0880E2CFAA061080BFD60642020802', 1700000000014000),
    ('018bcfe5-6800-7000-8000-000000000e01', 3, X'0803120B0880E2CFAA061080C8D007220B0A07696D6167652D311002', 1700000000016000),
    ('018bcfe5-6800-7000-8000-000000000e01', 4, X'0804120B0880E2CFAA0610C0C393072AA9010A07696D6167652D31129D0108011A05656173656C2207656173656C2D312A477368613235363A306236393239633331376465396231323663393061656564336432356434653535373739303835326234373464613634333531623439323338396639376463643A0B0880E2CFAA0610C0C393076801722430313862636665352D363830302D373030302D383030302D30303030303030303061303382010A0A035553441080E1EB17', 1700000000015000),
    ('018bcfe5-6800-7000-8000-000000000e01', 5, X'0805120B0880E2CFAA0610C0C39307321A0A050A03555344220A0A035553441080E1EB172A050A03555344', 1700000000015000),
    ('018bcfe5-6800-7000-8000-000000000e01', 6, X'0806120B0880E2CFAA0610C0CC8D082AA9010A07696D6167652D31129D0108011A05656173656C2207656173656C2D312A477368613235363A306236393239633331376465396231323663393061656564336432356434653535373739303835326234373464613634333531623439323338396639376463643A0B0880E2CFAA0610C0C393076802722430313862636665352D363830302D373030302D383030302D30303030303030303061303382010A0A035553441080E1EB17', 1700000000017000),
    ('018bcfe5-6800-7000-8000-000000000e01', 7, X'0807120B0880E2CFAA061080D1CA082A80020A07696D6167652D3112F40108011A05656173656C2207656173656C2D312A477368613235363A30623639323963333137646539623132366339306165656433643235643465353537373930383532623437346461363433353162343932333839663937646364320A7265712D6265666F72653A0B0880E2CFAA0610C0C39307420B0880E2CFAA061080D1CA08623C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A6874747053746174757312033430306807722430313862636665352D363830302D373030302D383030302D30303030303030303061303382010A0A035553441080E1EB17', 1700000000018000),
    ('018bcfe5-6800-7000-8000-000000000e01', 8, X'0808120B0880E2CFAA061080D1CA0832170A050A03555344180122050A035553442A050A03555344', 1700000000018000),
    ('018bcfe5-6800-7000-8000-000000000e01', 9, X'0809120B0880E2CFAA0610C0D587092AA9010A07696D6167652D31129D0108021A05656173656C2207656173656C2D312A477368613235363A306236393239633331376465396231323663393061656564336432356434653535373739303835326234373464613634333531623439323338396639376463643A0B0880E2CFAA0610C0D587096801722430313862636665352D363830302D373030302D383030302D30303030303030303061303482010A0A035553441080E1EB17', 1700000000019000),
    ('018bcfe5-6800-7000-8000-000000000e01', 10, X'080A120B0880E2CFAA0610C0D58709321A0A050A03555344220A0A035553441080E1EB172A050A03555344', 1700000000019000),
    ('018bcfe5-6800-7000-8000-000000000e01', 11, X'080B120B0880E2CFAA061080DAC4092AA9010A07696D6167652D31129D0108021A05656173656C2207656173656C2D312A477368613235363A306236393239633331376465396231323663393061656564336432356434653535373739303835326234373464613634333531623439323338396639376463643A0B0880E2CFAA0610C0D587096802722430313862636665352D363830302D373030302D383030302D30303030303030303061303482010A0A035553441080E1EB17', 1700000000020000),
    ('018bcfe5-6800-7000-8000-000000000e01', 12, X'080C120B0880E2CFAA0610C0DE810A2AB5010A07696D6167652D3112A90108021A05656173656C2207656173656C2D312A477368613235363A30623639323963333137646539623132366339306165656433643235643465353537373930383532623437346461363433353162343932333839663937646364320A7265712D6265666F72653A0B0880E2CFAA0610C0D587096804722430313862636665352D363830302D373030302D383030302D30303030303030303061303482010A0A035553441080E1EB17', 1700000000021000),
    ('018bcfe5-6800-7000-8000-000000000e01', 13, X'080D120B0880E2CFAA061080E3BE0A2A91020A07696D6167652D3112850208021A05656173656C2207656173656C2D312A477368613235363A30623639323963333137646539623132366339306165656433643235643465353537373930383532623437346461363433353162343932333839663937646364320A7265712D6265666F72653A0B0880E2CFAA0610C0D58709420B0880E2CFAA061080E3BE0A520A0A035553441080B48913623C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A6874747053746174757312033430306808722430313862636665352D363830302D373030302D383030302D303030303030303030613034780182010A0A035553441080E1EB17B80103', 1700000000022000),
    ('018bcfe5-6800-7000-8000-000000000e01', 14, X'080E120B0880E2CFAA061080E3BE0A32400A0A0A035553441080B4891312220A07696D6167652D3110021A05656173656C220A0A035553441080B4891328013003180122050A035553442A050A03555344', 1700000000022000),
    ('018bcfe5-6800-7000-8000-000000000e01', 15, X'080F120B0880E2CFAA0610C0E7FB0A22490A07696D6167652D311004323C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000023000),
    ('018bcfe5-6800-7000-8000-000000000e01', 16, X'0810120B0880E2CFAA061080ECB80B42400804123C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000024000),
    ('018bcfe5-6800-7000-8000-000000000e02', 1, X'0801120B0880E2CFAA0610C0F0F50B42020801', 1700000000025000),
    ('018bcfe5-6800-7000-8000-000000000e02', 2, X'0802120B0880E2CFAA061080F5B20C42020802', 1700000000026000),
    ('018bcfe5-6800-7000-8000-000000000e02', 3, X'0803120B0880E2CFAA061080FEAC0D220B0A07696D6167652D311002', 1700000000028000),
    ('018bcfe5-6800-7000-8000-000000000e02', 4, X'0804120B0880E2CFAA0610C0F9EF0C2AA9010A07696D6167652D31129D0108011A05656173656C2207656173656C2D312A477368613235363A303832313263636433303063353637326264663364393734316465353962373164336436633734663065613234363032303963303166613934383863653834393A0B0880E2CFAA0610C0F9EF0C6801722430313862636665352D363830302D373030302D383030302D30303030303030303061303582010A0A035553441080E1EB17', 1700000000027000),
    ('018bcfe5-6800-7000-8000-000000000e02', 5, X'0805120B0880E2CFAA0610C0F9EF0C321A0A050A03555344220A0A035553441080E1EB172A050A03555344', 1700000000027000),
    ('018bcfe5-6800-7000-8000-000000000e02', 6, X'0806120B0880E2CFAA0610C082EA0D2AA9010A07696D6167652D31129D0108011A05656173656C2207656173656C2D312A477368613235363A303832313263636433303063353637326264663364393734316465353962373164336436633734663065613234363032303963303166613934383863653834393A0B0880E2CFAA0610C0F9EF0C6802722430313862636665352D363830302D373030302D383030302D30303030303030303061303582010A0A035553441080E1EB17', 1700000000029000),
    ('018bcfe5-6800-7000-8000-000000000e02', 7, X'0807120B0880E2CFAA06108087A70E2A8D020A07696D6167652D3112810208011A05656173656C2207656173656C2D312A477368613235363A30383231326363643330306335363732626466336439373431646535396237316433643663373466306561323436303230396330316661393438386365383439320A7265712D6265666F72653A0B0880E2CFAA0610C0F9EF0C420B0880E2CFAA06108087A70E623C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A6874747053746174757312033430306807722430313862636665352D363830302D373030302D383030302D30303030303030303061303582010A0A035553441080E1EB178A010A0A035553441080E1EB17', 1700000000030000),
    ('018bcfe5-6800-7000-8000-000000000e02', 8, X'0808120B0880E2CFAA06108087A70E321A0A050A0355534422050A035553442A0A0A035553441080E1EB17', 1700000000030000),
    ('018bcfe5-6800-7000-8000-000000000e02', 9, X'0809120B0880E2CFAA0610C08BE40E22490A07696D6167652D311004323C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000031000),
    ('018bcfe5-6800-7000-8000-000000000e02', 10, X'080A120B0880E2CFAA06108090A10F42400804123C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000032000),
    ('018bcfe5-6800-7000-8000-000000000e03', 1, X'0801120B0880E2CFAA0610C094DE0F42020801', 1700000000033000),
    ('018bcfe5-6800-7000-8000-000000000e03', 2, X'0802120B0880E2CFAA061080999B1042020802', 1700000000034000),
    ('018bcfe5-6800-7000-8000-000000000e03', 3, X'0803120B0880E2CFAA0610C09DD81042020806', 1700000000035000),
    ('018bcfe5-6800-7000-8000-000000000e03', 4, X'0804120B0880E2CFAA061080A2951122490A07696D6167652D311005323C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000036000),
    ('018bcfe5-6800-7000-8000-000000000e03', 5, X'0805120B0880E2CFAA0610C0A6D21142400805123C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000037000),
    ('018bcfe5-6800-7000-8000-000000000e04', 1, X'0801120B0880E2CFAA061080AB8F1242020801', 1700000000038000),
    ('018bcfe5-6800-7000-8000-000000000e04', 2, X'0802120B0880E2CFAA0610C0AFCC1242020802', 1700000000039000),
    ('018bcfe5-6800-7000-8000-000000000e04', 3, X'0803120B0880E2CFAA0610C0B8C613220B0A07696D6167652D311002', 1700000000041000),
    ('018bcfe5-6800-7000-8000-000000000e04', 4, X'0804120B0880E2CFAA061080B489132AA9010A07696D6167652D31129D0108011A05656173656C2207656173656C2D312A477368613235363A326530343731316439316363316535626566356631636164636261353738303638323033363335343039303738303830306131393763303164356137376136383A0B0880E2CFAA061080B489136801722430313862636665352D363830302D373030302D383030302D30303030303030303061303682010A0A035553441080E1EB17', 1700000000040000),
    ('018bcfe5-6800-7000-8000-000000000e04', 5, X'0805120B0880E2CFAA061080B48913321A0A050A03555344220A0A035553441080E1EB172A050A03555344', 1700000000040000),
    ('018bcfe5-6800-7000-8000-000000000e04', 6, X'0806120B0880E2CFAA061080BD83142AA9010A07696D6167652D31129D0108011A05656173656C2207656173656C2D312A477368613235363A326530343731316439316363316535626566356631636164636261353738303638323033363335343039303738303830306131393763303164356137376136383A0B0880E2CFAA061080B489136802722430313862636665352D363830302D373030302D383030302D30303030303030303061303682010A0A035553441080E1EB17', 1700000000042000),
    ('018bcfe5-6800-7000-8000-000000000e04', 7, X'0807120B0880E2CFAA0610C0C1C0142A80020A07696D6167652D3112F40108011A05656173656C2207656173656C2D312A477368613235363A32653034373131643931636331653562656635663163616463626135373830363832303336333534303930373830383030613139376330316435613737613638320A7265712D6265666F72653A0B0880E2CFAA061080B48913623C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A6874747053746174757312033430306809722430313862636665352D363830302D373030302D383030302D30303030303030303061303682010A0A035553441080E1EB178A010A0A035553441080E1EB17', 1700000000043000),
    ('018bcfe5-6800-7000-8000-000000000e04', 8, X'0808120B0880E2CFAA0610C0C1C014321A0A050A0355534422050A035553442A0A0A035553441080E1EB17', 1700000000043000),
    ('018bcfe5-6800-7000-8000-000000000e04', 9, X'0809120B0880E2CFAA061080C6FD1422490A07696D6167652D311007323C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000044000),
    ('018bcfe5-6800-7000-8000-000000000e04', 10, X'080A120B0880E2CFAA0610C0CABA1542400807123C0803121150524F56494445525F52454A45435445441A1274686520656173656C27732062726F6B656E32110A0A687474705374617475731203343030', 1700000000045000),
    ('018bcfe5-6800-7000-8000-000000000e05', 1, X'0801120B0880E2CFAA061080CFF71542020801', 1700000000046000),
    ('018bcfe5-6800-7000-8000-000000000e05', 2, X'0802120B0880E2CFAA0610C0D3B41642020802', 1700000000047000),
    ('018bcfe5-6800-7000-8000-000000000e05', 3, X'0803120B0880E2CFAA0610C0DCAE17220B0A07696D6167652D311002', 1700000000049000),
    ('018bcfe5-6800-7000-8000-000000000e05', 4, X'0804120B0880E2CFAA061080D8F1162AA9010A07696D6167652D31129D0108011A05656173656C2207656173656C2D312A477368613235363A346531363865386161383937326262353233386261343931326365323530613966653666643033373738323132663863343162653737313932626262393732653A0B0880E2CFAA061080D8F1166801722430313862636665352D363830302D373030302D383030302D30303030303030303061303782010A0A035553441080E1EB17', 1700000000048000),
    ('018bcfe5-6800-7000-8000-000000000e05', 5, X'0805120B0880E2CFAA061080D8F116321A0A050A03555344220A0A035553441080E1EB172A050A03555344', 1700000000048000),
    ('018bcfe5-6800-7000-8000-000000000e06', 1, X'0801120B0880E2CFAA061080E1EB1742020801', 1700000000050000),
    ('018bcfe5-6800-7000-8000-000000000e06', 2, X'0802120B0880E2CFAA0610C0E5A81842020802', 1700000000051000),
    ('018bcfe5-6800-7000-8000-000000000e06', 3, X'0803120B0880E2CFAA0610C0EEA219220B0A07696D6167652D311002', 1700000000053000),
    ('018bcfe5-6800-7000-8000-000000000e06', 4, X'0804120B0880E2CFAA061080EAE5182AA9010A07696D6167652D31129D0108011A05656173656C2207656173656C2D312A477368613235363A383432353538636537353637333837343435333161613762663237313061356131363434376438623435316533356362323933343163343633393064643831613A0B0880E2CFAA061080EAE5186801722430313862636665352D363830302D373030302D383030302D30303030303030303061303882010A0A035553441080E1EB17', 1700000000052000),
    ('018bcfe5-6800-7000-8000-000000000e06', 5, X'0805120B0880E2CFAA061080EAE518321A0A050A03555344220A0A035553441080E1EB172A050A03555344', 1700000000052000),
    ('018bcfe5-6800-7000-8000-000000000e06', 6, X'0806120B0880E2CFAA061080F3DF192AA9010A07696D6167652D31129D0108011A05656173656C2207656173656C2D312A477368613235363A383432353538636537353637333837343435333161613762663237313061356131363434376438623435316533356362323933343163343633393064643831613A0B0880E2CFAA061080EAE5186802722430313862636665352D363830302D373030302D383030302D30303030303030303061303882010A0A035553441080E1EB17', 1700000000054000),
    ('018bcfe5-6800-7000-8000-000000000e07', 1, X'0801120B0880E2CFAA0610C0F79C1A42020801', 1700000000055000),
    ('018bcfe5-6800-7000-8000-000000000e07', 2, X'0802120B0880E2CFAA061080FCD91A42020802', 1700000000056000),
    ('018bcfe5-6800-7000-8000-000000000e07', 3, X'0803120B0880E2CFAA06108085D41B220B0A07696D6167652D311002', 1700000000058000),
    ('018bcfe5-6800-7000-8000-000000000e07', 4, X'0804120B0880E2CFAA0610C080971B2AA9010A07696D6167652D31129D0108011A05656173656C2207656173656C2D312A477368613235363A613238326136393835373236653330643230636339346631616465366463323366623765646363326534393762623464373535626537356662366165623930343A0B0880E2CFAA0610C080971B6801722430313862636665352D363830302D373030302D383030302D30303030303030303061303982010A0A035553441080E1EB17', 1700000000057000),
    ('018bcfe5-6800-7000-8000-000000000e07', 5, X'0805120B0880E2CFAA0610C080971B321A0A050A03555344220A0A035553441080E1EB172A050A03555344', 1700000000057000),
    ('018bcfe5-6800-7000-8000-000000000e07', 6, X'0806120B0880E2CFAA0610C089911C2AA9010A07696D6167652D31129D0108011A05656173656C2207656173656C2D312A477368613235363A613238326136393835373236653330643230636339346631616465366463323366623765646363326534393762623464373535626537356662366165623930343A0B0880E2CFAA0610C080971B6802722430313862636665352D363830302D373030302D383030302D30303030303030303061303982010A0A035553441080E1EB17', 1700000000059000),
    ('018bcfe5-6800-7000-8000-000000000e07', 7, X'0807120B0880E2CFAA0610808ECE1C2AB5010A07696D6167652D3112A90108011A05656173656C2207656173656C2D312A477368613235363A61323832613639383537323665333064323063633934663161646536646332336662376564636332653439376262346437353562653735666236616562393034320A7265712D6265666F72653A0B0880E2CFAA0610C080971B6804722430313862636665352D363830302D373030302D383030302D30303030303030303061303982010A0A035553441080E1EB17', 1700000000060000),
    ('018bcfe5-6800-7000-8000-000000000e08', 1, X'0801120B0880E2CFAA0610C0928B1D42020801', 1700000000061000);

INSERT INTO blobs (storage_key, sha256, size_bytes, media_type, created_us, gone_us) VALUES
    ('clients/golden/images/4ec62ca5-056d-5cae-8f2c-186cd14fd530.png', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', 159, 'image/png', 1700000000006000, NULL),
    ('clients/golden/images/82ef2123-5446-5d58-b90e-5c5ef49570a5.png', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', 159, 'image/png', 1700000000011000, NULL);

INSERT INTO images (id, client, execution_id, step_id, plan_digest, render_digest, take, attempt_id, reused, status, rendered_sha256, stored_sha256, storage_path, image_url, format, width, height, file_size, thumbnail_url, image_type, session_id, post_id, prompt_id, original_prompt, prompt, revised_prompt, alt_text, caption, section_title, position, importance, provider, model, provider_request_id, seed_mode, seed, generation_time_ms, currency, generation_cost_nanos, cost_estimated, quality_score_bp, created_us, updated_us, effective_seed, model_version, cost_source, deleting_us, deleted_us, quality_parts, quality_scorer, thumbhash, rejected) VALUES
    ('4ec62ca5-056d-5cae-8f2c-186cd14fd530', 'golden', '018bcfe5-6800-7000-8000-000000000e00', 'image-1', 'sha256:d2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813', 'sha256:1e0f3055eb00b2d3747457d1a75fe79e006bef8d193ced4dae75dc79f89cfd5e', 0, '018bcfe5-6800-7000-8000-000000000a01', 0, 'completed', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', 'clients/golden/images/4ec62ca5-056d-5cae-8f2c-186cd14fd530.png', '', 'image/png', 16, 16, 159, '', 'IMAGE_TYPE_UNSPECIFIED', 's1', '', '', '', 'completed 0', 'it''s as drawn', '', '', '', 0, 'IMPORTANCE_UNSPECIFIED', 'easel', 'easel-1', 'req-before', 'SEED_MODE_DERIVED', 7, 1234, 'USD', 40000000, 0, 8700, 1700000000006000, 1700000000006000, '18446744073709551615', 'easel-1.2', 'usage', NULL, NULL, '', '', '', 0),
    ('82ef2123-5446-5d58-b90e-5c5ef49570a5', 'golden', '018bcfe5-6800-7000-8000-000000000e00', 'image-2', 'sha256:d2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813', 'sha256:4e62082730a104a17abfc5943ea56fcd368d28db346f2f53fdaa419631527c5e', 0, '018bcfe5-6800-7000-8000-000000000a02', 0, 'completed', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', 'clients/golden/images/82ef2123-5446-5d58-b90e-5c5ef49570a5.png', '', 'image/png', 16, 16, 159, '', 'IMAGE_TYPE_UNSPECIFIED', 's1', '', '', '', 'completed 1', 'it''s as drawn', '', '', '', 0, 'IMPORTANCE_UNSPECIFIED', 'easel', 'easel-1', 'req-before', 'SEED_MODE_DERIVED', 7, 1234, 'USD', 40000000, 0, 8700, 1700000000011000, 1700000000011000, '18446744073709551615', 'easel-1.2', 'usage', NULL, NULL, '', '', '', 0);

INSERT INTO image_thumbnails (image_id, ordinal, storage_key, public_url, width, height, format, file_size, purpose) VALUES
    ('4ec62ca5-056d-5cae-8f2c-186cd14fd530', 0, 'clients/golden/images/4ec62ca5-056d-5cae-8f2c-186cd14fd530.8.jpg', '', 8, 8, 'image/png', 64, 'thumbnail'),
    ('82ef2123-5446-5d58-b90e-5c5ef49570a5', 0, 'clients/golden/images/82ef2123-5446-5d58-b90e-5c5ef49570a5.8.jpg', '', 8, 8, 'image/png', 64, 'thumbnail');

INSERT INTO image_labels (image_id, key, value) VALUES
    ('4ec62ca5-056d-5cae-8f2c-186cd14fd530', 'mood', 'calm'),
    ('82ef2123-5446-5d58-b90e-5c5ef49570a5', 'mood', 'calm');

INSERT INTO audit_events (id, client, created_us, actor, action, subject, reason, details) VALUES
    ('5ec3e5eb-fde2-52ab-bb8c-005018f2fb7c', 'golden', 1700000000035000, 'client', 'execution.cancel', 'clients/golden/executions/018bcfe5-6800-7000-8000-000000000e03', '', '{}');
