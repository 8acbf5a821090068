-- schema 1 f9e8adf9d492d32e274ff455a28586c1a59dc3aaf0bba57af012ad89682aae0bf7685d03bc9cac556737d08b6e510165
-- staged staging/018bcfe5-6800-7000-8000-000000000a04 89504e470d0a1a0a0000000d49484452000000100000001008000000003a98a0bd00000066494441547801edc003a0245996c6f1ff77ee8dc8cca7724b63ae6ddbb66ddbb66ddbb66d698c9e964aaf9e323322eef976b76a7aa6873b6bd52f784e04cf89e039113c2782e744f09c089e13c17322784e04cf89e039113c2782e744f09c089e13c173e21f0113200021405c7c290000000049454e44ae426082
-- staged staging/018bcfe5-6800-7000-8000-000000000a09 89504e470d0a1a0a0000000d49484452000000100000001008000000003a98a0bd00000066494441547801edc003a0245996c6f1ff77ee8dc8cca7724b63ae6ddbb66ddbb66ddbb66d698c9e964aaf9e323322eef976b76a7aa6873b6bd52f784e04cf89e039113c2782e744f09c089e13c17322784e04cf89e039113c2782e744f09c089e13c173e21f0113200021405c7c290000000049454e44ae426082
-- read billed cancel_requested: false
-- read billed created_us: 1700000000027000
-- read billed currency: USD
-- read billed ended_us: 1700000000035000
-- read billed event 10: 4e2b7a217cbfc9ead7c2e3ba576db4497769d1154d94fd97fca22ffd806700b9
-- read billed event 1: d1ad0ae714c718e42f0396aee10e2405f2ca0ac57249ce0bc78523a0ddfc8ff4
-- read billed event 2: 790b140d9eca49b16669d5027eb86e06c92aeaadcd8ee70b4594eecf13d653b1
-- read billed event 3: b147d987421db50c9eec34bb4d617db18b2a80e6995e73d8d6a04a169215fc42
-- read billed event 4: 63d06b4adecf63db22f92517e40b01befb42422915c2e23503fc3332e11290ce
-- read billed event 5: 1d98744a1bb23a0807a11ab4fe086c80b5a23abeaaf29529fb7c492e13cda6b9
-- read billed event 6: 503c7c384710e8f763921ce3366fb32c1ec58a251af3155885461d0b0373dfa9
-- read billed event 7: ee23ca978bda2f4c6f27bcca44ef802a9f03cfd999457a24fc080e286d68b03e
-- read billed event 8: 6144e57deabca2c8f3312a7b632b30b34c2004f2f987eed217be177bc938efb2
-- read billed event 9: 91dea12636ba530f72f6e2843ba22033053bc8a3e41db50400669e22cfea8c81
-- read billed failure message: the easel's broken
-- read billed failure metadata: {"httpStatus": "400"}
-- read billed failure: PROVIDER_REJECTED
-- read billed image-1 1 ceiling_nanos: 50000000
-- read billed image-1 1 class: D
-- read billed image-1 1 cost_estimated: false
-- read billed image-1 1 cost_nanos: -
-- read billed image-1 1 dispatched_us: 1700000000032000
-- read billed image-1 1 ended_us: 1700000000033000
-- read billed image-1 1 failure message: the easel's broken
-- read billed image-1 1 failure metadata: {"httpStatus": "400"}
-- read billed image-1 1 failure: PROVIDER_REJECTED
-- read billed image-1 1 id: 018bcfe5-6800-7000-8000-000000000a05
-- read billed image-1 1 model: easel-1
-- read billed image-1 1 prepared_us: 1700000000030000
-- read billed image-1 1 provider: easel
-- read billed image-1 1 provider_request_id: req-before
-- read billed image-1 1 received_us: -
-- read billed image-1 1 render_digest: sha256:08212ccd300c5672bdf3d9741de59b71d3d6c74f0ea2460209c01fa9488ce849
-- read billed image-1 1 revised_prompt:
-- read billed image-1 1 send_by_us: 1700000005032000
-- read billed image-1 1 state: rejected
-- read billed image-1 1 target: 0
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
-- read billed started_us: 1700000000029000
-- read billed state: failed
-- read billed take: 0
-- read billed unknown_held_nanos: 50000000
-- read cancelled cancel_requested: true
-- read cancelled created_us: 1700000000036000
-- read cancelled currency: USD
-- read cancelled ended_us: 1700000000041000
-- read cancelled event 1: 10bb33c81789dd9981649800ac3067456e9dbbf49b7724cb56b8a50090bdadbb
-- read cancelled event 2: 98eb86612f416f4c31afd0e6a5d6f5f4585e0258a0ed8a2c54c952ab9630a9b7
-- read cancelled event 3: 27a7fdb1606a28dc5cc3c2acc430f91cf87c90ea0955a33d688bd20b2445b5d7
-- read cancelled event 4: 5106a39db2e8cca0d1f6b95176b81a68d95628714561c80a194bebc775e8fed9
-- read cancelled event 5: fdb77e51b88dd59dd5f98a26e0feb04b8f5dba87167438a9726b7e955fa32974
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
-- read cancelled started_us: 1700000000038000
-- read cancelled state: cancelled
-- read cancelled take: 0
-- read cancelled unknown_held_nanos: 0
-- read completed cancel_requested: false
-- read completed created_us: 1700000000000000
-- read completed currency: USD
-- read completed ended_us: 1700000000013000
-- read completed event 10: bc58c107cdf3f6bec66635d9d6f59a4bc62c5aa6fa61e1a97926fdd39ba29bcf
-- read completed event 11: 54ad555b11ce98045f0e74483fdf159ad544d384645964453c88f794ca9777c2
-- read completed event 12: c7c573d4eb037600ab17a0fe9de6a3fb528ae904dc0bec0f7c36fb09d0032777
-- read completed event 13: a1a0d985238e333dd7b7a505b0ff9d3563d8b0e606ba1786787b301e85cf8374
-- read completed event 14: 1187253eb7b0b54c4dfe0cb4c90015f0fddcd0bce17320526773d9925c6e81cf
-- read completed event 15: 3c1476ebc8e61ee8a3bf49c9e747335838b46018efc623c653287fdc5e098a99
-- read completed event 16: b85be350a7d5b9fb908cb3209e3d1d26a24fca9089026f1230ceb9dc002a0cb7
-- read completed event 17: 8c679ccd03d002b3f1932d9b7a128d5ae69f57efeea71ee20d7b19155ef3e098
-- read completed event 18: 3d590af5fe3340e11b88e0bfbc5304140fbeaa267152a4dee499b6b679945552
-- read completed event 19: 78668db26ef8e2b547493e3c635b67ab49c4b73b71550a0c79873d0f99c6dd2c
-- read completed event 1: 13821d481a35e349fd1016b216d6f24a31a12ac3c3a8984a749b7d7055bd2e05
-- read completed event 2: 3e732bf2612879005ed98601b8f1461971972463031be7ec1cb799586e5de965
-- read completed event 3: 2f09ce1174289dd067034d6223a51c9defc1f3e9a29c7456e4cfc426adec43bd
-- read completed event 4: 757ce3690b940903b0bf94adb3629c9d885a78e6d42c479961e88d0f40691993
-- read completed event 5: e85a793ef517536515759fc1631668b7e4f01bbaf622431d81ac52b20e939d2b
-- read completed event 6: 03f867e57f1cd52f2bb9374b57976c4e0b98f84349954e6f396e47057a6a1337
-- read completed event 7: 6680603ec08aa8f66051d976f3fe338b49cbeaa99a1ee8ebe1afe8367fe22754
-- read completed event 8: cd54b5230392dfc9e0a973cb145270dc0feb6f8b49e9a480e0cdbd67b87d8c0e
-- read completed event 9: bbeb797e73d8c43471c33c4e7400a978c23a5258fb85912b73c7e670c3e8cf13
-- read completed image-1 1 answer at_us: 1700000000006000
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
-- read completed image-1 1 dispatched_us: 1700000000005000
-- read completed image-1 1 ended_us: 1700000000007000
-- read completed image-1 1 id: 018bcfe5-6800-7000-8000-000000000a01
-- read completed image-1 1 model: easel-1
-- read completed image-1 1 prepared_us: 1700000000003000
-- read completed image-1 1 provider: easel
-- read completed image-1 1 provider_request_id: req-before
-- read completed image-1 1 received_us: 1700000000006000
-- read completed image-1 1 render_digest: sha256:1e0f3055eb00b2d3747457d1a75fe79e006bef8d193ced4dae75dc79f89cfd5e
-- read completed image-1 1 revised_prompt: it's as drawn
-- read completed image-1 1 send_by_us: 1700000005005000
-- read completed image-1 1 state: committed
-- read completed image-1 1 target: 0
-- read completed image-1 image attempt: 018bcfe5-6800-7000-8000-000000000a01
-- read completed image-1 image cost_nanos: 40000000
-- read completed image-1 image created_us: 1700000000007000
-- read completed image-1 image generation_time_ms: 1234
-- read completed image-1 image id: 4ec62ca5-056d-5cae-8f2c-186cd14fd530
-- read completed image-1 image label mood: calm
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
-- read completed image-2 1 answer at_us: 1700000000011000
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
-- read completed image-2 1 dispatched_us: 1700000000010000
-- read completed image-2 1 ended_us: 1700000000012000
-- read completed image-2 1 id: 018bcfe5-6800-7000-8000-000000000a02
-- read completed image-2 1 model: easel-1
-- read completed image-2 1 prepared_us: 1700000000008000
-- read completed image-2 1 provider: easel
-- read completed image-2 1 provider_request_id: req-before
-- read completed image-2 1 received_us: 1700000000011000
-- read completed image-2 1 render_digest: sha256:4e62082730a104a17abfc5943ea56fcd368d28db346f2f53fdaa419631527c5e
-- read completed image-2 1 revised_prompt: it's as drawn
-- read completed image-2 1 send_by_us: 1700000005010000
-- read completed image-2 1 state: committed
-- read completed image-2 1 target: 0
-- read completed image-2 image attempt: 018bcfe5-6800-7000-8000-000000000a02
-- read completed image-2 image cost_nanos: 40000000
-- read completed image-2 image created_us: 1700000000012000
-- read completed image-2 image generation_time_ms: 1234
-- read completed image-2 image id: 82ef2123-5446-5d58-b90e-5c5ef49570a5
-- read completed image-2 image label mood: calm
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
-- read completed started_us: 1700000000002000
-- read completed state: completed
-- read completed take: 0
-- read completed unknown_held_nanos: 0
-- read dispatching cancel_requested: false
-- read dispatching created_us: 1700000000056000
-- read dispatching currency: USD
-- read dispatching ended_us: -
-- read dispatching event 1: 5b1a4100faff1ff32d0490c9dd624470200ff33e178e3fa3eaf89884b9b7dc60
-- read dispatching event 2: e455c657fed763c830b647c737616db623c99b5f6f3691506dca0c375ab510af
-- read dispatching event 3: 07297cb632dfa1286e06594b5222d16dc33a534221016b8178ceff3f8999390b
-- read dispatching event 4: 99442aea210851b458a90a8790834d4f57554caaf87bbd479dd5cb9cd2d335a4
-- read dispatching event 5: da1bb6a90931685321310a0a581b323d207843f6513c882e3f2630278447e3a2
-- read dispatching event 6: 452474be004b25071e7cdaa498eea36bfddcb3d051d31ad18b3d9810545c21ec
-- read dispatching image-1 1 ceiling_nanos: 50000000
-- read dispatching image-1 1 class: D
-- read dispatching image-1 1 cost_estimated: false
-- read dispatching image-1 1 cost_nanos: -
-- read dispatching image-1 1 dispatched_us: 1700000000061000
-- read dispatching image-1 1 ended_us: -
-- read dispatching image-1 1 id: 018bcfe5-6800-7000-8000-000000000a08
-- read dispatching image-1 1 model: easel-1
-- read dispatching image-1 1 prepared_us: 1700000000059000
-- read dispatching image-1 1 provider: easel
-- read dispatching image-1 1 provider_request_id:
-- read dispatching image-1 1 received_us: -
-- read dispatching image-1 1 render_digest: sha256:842558ce756738744531aa7bf2710a5a16447d8b451e35cb29341c46390dd81a
-- read dispatching image-1 1 revised_prompt:
-- read dispatching image-1 1 send_by_us: 1700000005061000
-- read dispatching image-1 1 state: dispatching
-- read dispatching image-1 1 target: 0
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
-- read dispatching started_us: 1700000000058000
-- read dispatching state: processing
-- read dispatching take: 0
-- read dispatching unknown_held_nanos: 0
-- read failed cancel_requested: false
-- read failed created_us: 1700000000014000
-- read failed currency: USD
-- read failed ended_us: 1700000000026000
-- read failed event 10: f3d1bdfa4167f4e0d016077c05b351affbac5e6965dd3bad5291b260f425828c
-- read failed event 11: c1249a8af330aebbf97ee445dd85292adce2d9d538b5b5e37cae954c811e4aff
-- read failed event 12: f449c1ef4c551b529988f1829822f3714ddd82225666d7fdd187bc7cb4c1150b
-- read failed event 13: efdc49dab14bd3f4651fb5dd15a2e0ef747a15a190a4546fa09f7c3f83aead49
-- read failed event 14: 3245e33a3cf73875cbe231d847b9c9a74fbd1504817f21855f00b27df425ebfb
-- read failed event 15: 4130f2ce17bdd6c8eda05d255313b67c9a857c147f6dc70f3e4d71973311a968
-- read failed event 16: 3d4d9c8c3f13e98d8c6d438c2ac183d0c943a573a3b6dfaef9340f431e23f410
-- read failed event 1: bed748be60b22efc6e45a247b47b8d908cdd0bc01e4d4f749ec448e93d2c5bc0
-- read failed event 2: 6000fae4376372a7ef577858c237e16c0fc0e205c0d26e8e21288bfedfe1d6ff
-- read failed event 3: 75bc78dcfea1ab9fca277b87568f5f111a0055073d516fe18a8ceada6de6a258
-- read failed event 4: ceb286616a683f6fd4348312926d90f54a1c06a4d9ae0d45cdbb3ae3cd6d5c7f
-- read failed event 5: 6ecd912ec19b3dec96de2c0999536d0da5fa2c425b391dd99dbed2bcf29b06ee
-- read failed event 6: 2267ff2f814f17e72b6ec46bb031c66fcea0b0fbfcf90ee4b84dc614884e56fd
-- read failed event 7: 766188a3a27d73b3d9497230be96c5b81d7e38b3c4c789587d1d8e5f917f7670
-- read failed event 8: cc672aca1a852c49b3e11ba3cf89d31c82606d1ad7110de2a30980d857427ac0
-- read failed event 9: d8347b94c368500b6c9fbd817b285500ab6d75b3abf438f3dea478bb1449bc88
-- read failed failure message: the easel's broken
-- read failed failure metadata: {"httpStatus": "400"}
-- read failed failure: PROVIDER_REJECTED
-- read failed image-1 1 ceiling_nanos: 50000000
-- read failed image-1 1 class: D
-- read failed image-1 1 cost_estimated: false
-- read failed image-1 1 cost_nanos: -
-- read failed image-1 1 dispatched_us: 1700000000019000
-- read failed image-1 1 ended_us: 1700000000020000
-- read failed image-1 1 failure message: the easel's broken
-- read failed image-1 1 failure metadata: {"httpStatus": "400"}
-- read failed image-1 1 failure: PROVIDER_REJECTED
-- read failed image-1 1 id: 018bcfe5-6800-7000-8000-000000000a03
-- read failed image-1 1 model: easel-1
-- read failed image-1 1 prepared_us: 1700000000017000
-- read failed image-1 1 provider: easel
-- read failed image-1 1 provider_request_id: req-before
-- read failed image-1 1 received_us: -
-- read failed image-1 1 render_digest: sha256:0b6929c317de9b126c90aeed3d25d4e557790852b474da64351b492389f97dcd
-- read failed image-1 1 revised_prompt:
-- read failed image-1 1 send_by_us: 1700000005019000
-- read failed image-1 1 state: rejected
-- read failed image-1 1 target: 0
-- read failed image-1 2 answer at_us: 1700000000023000
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
-- read failed image-1 2 dispatched_us: 1700000000022000
-- read failed image-1 2 ended_us: 1700000000024000
-- read failed image-1 2 failure message: the easel's broken
-- read failed image-1 2 failure metadata: {"httpStatus": "400"}
-- read failed image-1 2 failure: PROVIDER_REJECTED
-- read failed image-1 2 id: 018bcfe5-6800-7000-8000-000000000a04
-- read failed image-1 2 model: easel-1
-- read failed image-1 2 prepared_us: 1700000000021000
-- read failed image-1 2 provider: easel
-- read failed image-1 2 provider_request_id: req-before
-- read failed image-1 2 received_us: 1700000000023000
-- read failed image-1 2 render_digest: sha256:0b6929c317de9b126c90aeed3d25d4e557790852b474da64351b492389f97dcd
-- read failed image-1 2 revised_prompt:
-- read failed image-1 2 send_by_us: 1700000005022000
-- read failed image-1 2 state: failed_paid
-- read failed image-1 2 target: 0
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
-- read failed started_us: 1700000000016000
-- read failed state: failed
-- read failed take: 0
-- read failed unknown_held_nanos: 0
-- read pending cancel_requested: false
-- read pending created_us: 1700000000069000
-- read pending currency: USD
-- read pending ended_us: -
-- read pending event 1: f28cf914dba8c7526c994c52e1b1a352947e5fd74bcba214c4629f40dcd0b4f9
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
-- read prepared created_us: 1700000000051000
-- read prepared currency: USD
-- read prepared ended_us: -
-- read prepared event 1: a9e502a2d4890232b6ae3385082b6837b4b23253ce7569e65244a826fca5cb9d
-- read prepared event 2: e2f5c60e2631304c1680ef7eb379613de400257c256fd25be37f2c1368eb1b2d
-- read prepared event 3: 976dca8acef95d646a0110fbffd46b02d39ed2d9399e9c8f69334e926eac5b0b
-- read prepared event 4: 3ab01e2b17b5418d02341cf4fa3c0cfefa5feac8ff59ddced9920b16298695fd
-- read prepared event 5: adcf286b71712ea6e3670bc3029d8faff793787633151919cf28dd49e0e9b45f
-- read prepared image-1 1 ceiling_nanos: 50000000
-- read prepared image-1 1 class: D
-- read prepared image-1 1 cost_estimated: false
-- read prepared image-1 1 cost_nanos: -
-- read prepared image-1 1 dispatched_us: -
-- read prepared image-1 1 ended_us: -
-- read prepared image-1 1 id: 018bcfe5-6800-7000-8000-000000000a07
-- read prepared image-1 1 model: easel-1
-- read prepared image-1 1 prepared_us: 1700000000054000
-- read prepared image-1 1 provider: easel
-- read prepared image-1 1 provider_request_id:
-- read prepared image-1 1 received_us: -
-- read prepared image-1 1 render_digest: sha256:4e168e8aa8972bb5238ba4912ce250a9fe6fd03778212f8c41be77192bbb972e
-- read prepared image-1 1 revised_prompt:
-- read prepared image-1 1 send_by_us: -
-- read prepared image-1 1 state: prepared
-- read prepared image-1 1 target: 0
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
-- read prepared started_us: 1700000000053000
-- read prepared state: processing
-- read prepared take: 0
-- read prepared unknown_held_nanos: 0
-- read received cancel_requested: false
-- read received created_us: 1700000000062000
-- read received currency: USD
-- read received ended_us: -
-- read received event 1: cfa0c0ae5b5738df1f1e1a76229c13b95496616756c6c0bfacee410b34126f34
-- read received event 2: abfa2672d2111fbc4db441c7f364952840152f0f139efdc1e8d93f5f832a6203
-- read received event 3: c0999170363537ce1ee3c66711ae2f149af98513160057f6ca1a44f980930cca
-- read received event 4: 5526a1b0bbd3f7eb8ec11fae1724357bf305e928018a4a1a08cd7deadb0b2303
-- read received event 5: e266359e74aff7137bb56553851ba779d03d821365f110ae6d33fef8fe39274e
-- read received event 6: 788a3719c1e46d3c6fe99b45c49e7f0eb03caa6dba477710231aa86eb2fe0c82
-- read received event 7: e5b1cb3343b2468d52e3f6b8b5686ffdefa63869a0221c2f54715c1d54f5050e
-- read received image-1 1 answer at_us: 1700000000068000
-- read received image-1 1 answer headers: {"x-cost": "0.04"}
-- read received image-1 1 answer key: staging/018bcfe5-6800-7000-8000-000000000a09
-- read received image-1 1 answer media_type: image/png
-- read received image-1 1 answer request_id: req-before
-- read received image-1 1 answer sha256: 956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c
-- read received image-1 1 ceiling_nanos: 50000000
-- read received image-1 1 class: D
-- read received image-1 1 cost_estimated: false
-- read received image-1 1 cost_nanos: -
-- read received image-1 1 dispatched_us: 1700000000067000
-- read received image-1 1 ended_us: -
-- read received image-1 1 id: 018bcfe5-6800-7000-8000-000000000a09
-- read received image-1 1 model: easel-1
-- read received image-1 1 prepared_us: 1700000000065000
-- read received image-1 1 provider: easel
-- read received image-1 1 provider_request_id: req-before
-- read received image-1 1 received_us: 1700000000068000
-- read received image-1 1 render_digest: sha256:a282a6985726e30d20cc94f1ade6dc23fb7edcc2e497bb4d755be75fb6aeb904
-- read received image-1 1 revised_prompt:
-- read received image-1 1 send_by_us: 1700000005067000
-- read received image-1 1 state: received
-- read received image-1 1 target: 0
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
-- read received started_us: 1700000000064000
-- read received state: processing
-- read received take: 0
-- read received unknown_held_nanos: 0
-- read unknown cancel_requested: false
-- read unknown created_us: 1700000000042000
-- read unknown currency: USD
-- read unknown ended_us: -
-- read unknown event 10: a71b5688c80fa81ea93262ec2e753fd1d35690b40252be908182db747716f79f
-- read unknown event 1: 65173a86bfe78e441ca87fb18bd0767004b3d111df641a9eab28577026616128
-- read unknown event 2: 2b928fe2ad809a66d97d3d72c25f5073042f5963813d35ccc4939f8812d85a62
-- read unknown event 3: f6e96c42a07bbc1697b09e91d93aeab0620bf8254b1013bb5d4f9dfe75be78c8
-- read unknown event 4: 2032b9fcfff0f363ecbeae1cd7b57608ea631aa8d27ea63a1ca7b00b29aa2eee
-- read unknown event 5: 13aa1325f0d356ac5ae2e85dc21dfba38d2241aaa9d92c46324737fe9fc6cf34
-- read unknown event 6: c2384d55c45e400ecc6a8fb0937006cc01fb89c9d43e22da242af58d6a4336ef
-- read unknown event 7: b8942b6848eff6fe8b3754015e58df3fea080e94a618328529c67936aa1b05d6
-- read unknown event 8: 21a4cbcd9ad90727b32353fe2fb94e4ba9c95e23e4ad391c0d563e116ce9b495
-- read unknown event 9: d60b059f7f61adf073629a007502b1e4ba6db709d9a12fad9a9b1b64d81ce688
-- read unknown image-1 1 ceiling_nanos: 50000000
-- read unknown image-1 1 class: D
-- read unknown image-1 1 cost_estimated: false
-- read unknown image-1 1 cost_nanos: -
-- read unknown image-1 1 dispatched_us: 1700000000047000
-- read unknown image-1 1 ended_us: -
-- read unknown image-1 1 failure message: the easel's broken
-- read unknown image-1 1 failure metadata: {"httpStatus": "400"}
-- read unknown image-1 1 failure: PROVIDER_REJECTED
-- read unknown image-1 1 id: 018bcfe5-6800-7000-8000-000000000a06
-- read unknown image-1 1 model: easel-1
-- read unknown image-1 1 prepared_us: 1700000000045000
-- read unknown image-1 1 provider: easel
-- read unknown image-1 1 provider_request_id: req-before
-- read unknown image-1 1 received_us: -
-- read unknown image-1 1 render_digest: sha256:2e04711d91cc1e5bef5f1cadcba5780682036354090780800a197c01d5a77a68
-- read unknown image-1 1 revised_prompt:
-- read unknown image-1 1 send_by_us: 1700000005047000
-- read unknown image-1 1 state: unknown
-- read unknown image-1 1 target: 0
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
-- read unknown started_us: 1700000000044000
-- read unknown state: needs_decision
-- read unknown take: 0
-- read unknown unknown_held_nanos: 50000000

INSERT INTO plans (client, digest_hex, bytes, session_id, kind, created_us, last_executed_us) VALUES
    ('golden', 'd2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813', '\x0a0b6c696d6e2e706c616e2f3110011a06676f6c64656e220273312802324b0a07696d6167652d311a400a0d6c696d6e2e72656e6465722f311205656173656c1a07656173656c2d312a0b636f6d706c65746564203038104010700278078a0109696d6167652f706e67324b0a07696d6167652d321a400a0d6c696d6e2e72656e6465722f311205656173656c1a07656173656c2d312a0b636f6d706c65746564203138104010700278078a0109696d6167652f706e673a0d08011a0908031001180220d00f42a6010a0a0a035553441080e89226120a0a035553441080e892261a450a07696d6167652d311a0a0a035553441080b48913220a0a035553441080e1eb172a220a05696d61676510e8071a0a0a035553441080b48913220a0a035553441080b489131a450a07696d6167652d321a0a0a035553441080b48913220a0a035553441080e1eb172a220a05696d61676510e8071a0a0a035553441080b48913220a0a035553441080b48913', 's1', 'PLAN_KIND_BATCH', '1700000000000000', '1700000000000000'),
    ('golden', 'f5d10ad80189fe4dc3627651d733296986ef3270d17b7184931c1c135134bb67', '\x0a0b6c696d6e2e706c616e2f3110011a06676f6c64656e22027331280232480a07696d6167652d311a3d0a0d6c696d6e2e72656e6465722f311205656173656c1a07656173656c2d312a086661696c6564203038104010700278078a0109696d6167652f706e673a0d08011a0908031001180220d00f425f0a0a0a035553441080b48913120a0a035553441080b489131a450a07696d6167652d311a0a0a035553441080b48913220a0a035553441080e1eb172a220a05696d61676510e8071a0a0a035553441080b48913220a0a035553441080b48913', 's1', 'PLAN_KIND_BATCH', '1700000000014000', '1700000000014000'),
    ('golden', 'a47740057741e820189f041a04510fe6b0318f33e9478ff9e6fb24ac0c90536c', '\x0a0b6c696d6e2e706c616e2f3110011a06676f6c64656e22027331280232480a07696d6167652d311a3d0a0d6c696d6e2e72656e6465722f311205656173656c1a07656173656c2d312a0862696c6c6564203038104010700278078a0109696d6167652f706e673a0d08011a0908031001180220d00f425f0a0a0a035553441080b48913120a0a035553441080b489131a450a07696d6167652d311a0a0a035553441080b48913220a0a035553441080e1eb172a220a05696d61676510e8071a0a0a035553441080b48913220a0a035553441080b48913', 's1', 'PLAN_KIND_BATCH', '1700000000027000', '1700000000027000'),
    ('golden', '08fadc1fe0e65d5cf2cf9e97bdbec48ef638ff61f42bc2d93978f7bffe090237', '\x0a0b6c696d6e2e706c616e2f3110011a06676f6c64656e220273312802324b0a07696d6167652d311a400a0d6c696d6e2e72656e6465722f311205656173656c1a07656173656c2d312a0b63616e63656c6c6564203038104010700278078a0109696d6167652f706e673a0d08011a0908031001180220d00f425f0a0a0a035553441080b48913120a0a035553441080b489131a450a07696d6167652d311a0a0a035553441080b48913220a0a035553441080e1eb172a220a05696d61676510e8071a0a0a035553441080b48913220a0a035553441080b48913', 's1', 'PLAN_KIND_BATCH', '1700000000036000', '1700000000036000'),
    ('golden', '6467993d268e5ec2095acde780e346f491475dcfd5cb65cb139904195daaa24e', '\x0a0b6c696d6e2e706c616e2f3110011a06676f6c64656e22027331280232490a07696d6167652d311a3e0a0d6c696d6e2e72656e6465722f311205656173656c1a07656173656c2d312a09756e6b6e6f776e203038104010700278078a0109696d6167652f706e673a0d08011a0908031001180220d00f425f0a0a0a035553441080b48913120a0a035553441080b489131a450a07696d6167652d311a0a0a035553441080b48913220a0a035553441080e1eb172a220a05696d61676510e8071a0a0a035553441080b48913220a0a035553441080b48913', 's1', 'PLAN_KIND_BATCH', '1700000000042000', '1700000000042000'),
    ('golden', '97a2e8ee67bc90e7d88deb16d5979273b3f46da3f49992d07cebffb805f691a4', '\x0a0b6c696d6e2e706c616e2f3110011a06676f6c64656e220273312802324a0a07696d6167652d311a3f0a0d6c696d6e2e72656e6465722f311205656173656c1a07656173656c2d312a0a7072657061726564203038104010700278078a0109696d6167652f706e673a0d08011a0908031001180220d00f425f0a0a0a035553441080b48913120a0a035553441080b489131a450a07696d6167652d311a0a0a035553441080b48913220a0a035553441080e1eb172a220a05696d61676510e8071a0a0a035553441080b48913220a0a035553441080b48913', 's1', 'PLAN_KIND_BATCH', '1700000000051000', '1700000000051000'),
    ('golden', 'de46e76a5423479391c4adda176263f24eadcef60a27afc69c08f079f5c464e7', '\x0a0b6c696d6e2e706c616e2f3110011a06676f6c64656e220273312802324d0a07696d6167652d311a420a0d6c696d6e2e72656e6465722f311205656173656c1a07656173656c2d312a0d6469737061746368696e67203038104010700278078a0109696d6167652f706e673a0d08011a0908031001180220d00f425f0a0a0a035553441080b48913120a0a035553441080b489131a450a07696d6167652d311a0a0a035553441080b48913220a0a035553441080e1eb172a220a05696d61676510e8071a0a0a035553441080b48913220a0a035553441080b48913', 's1', 'PLAN_KIND_BATCH', '1700000000056000', '1700000000056000'),
    ('golden', 'f606b92671ce5b2ac72253cdedf16b443ef65ad8073a8263afaf053e30a20706', '\x0a0b6c696d6e2e706c616e2f3110011a06676f6c64656e220273312802324a0a07696d6167652d311a3f0a0d6c696d6e2e72656e6465722f311205656173656c1a07656173656c2d312a0a7265636569766564203038104010700278078a0109696d6167652f706e673a0d08011a0908031001180220d00f425f0a0a0a035553441080b48913120a0a035553441080b489131a450a07696d6167652d311a0a0a035553441080b48913220a0a035553441080e1eb172a220a05696d61676510e8071a0a0a035553441080b48913220a0a035553441080b48913', 's1', 'PLAN_KIND_BATCH', '1700000000062000', '1700000000062000'),
    ('golden', '5a17d4618c774a7c10dc0f38063c4dac4eea66186dc6b2a878ff251df9b064d5', '\x0a0b6c696d6e2e706c616e2f3110011a06676f6c64656e22027331280232490a07696d6167652d311a3e0a0d6c696d6e2e72656e6465722f311205656173656c1a07656173656c2d312a0970656e64696e67203038104010700278078a0109696d6167652f706e673a0d08011a0908031001180220d00f425f0a0a0a035553441080b48913120a0a035553441080b489131a450a07696d6167652d311a0a0a035553441080b48913220a0a035553441080e1eb172a220a05696d61676510e8071a0a0a035553441080b48913220a0a035553441080b48913', 's1', 'PLAN_KIND_BATCH', '1700000000069000', '1700000000069000');

INSERT INTO executions (id, client, plan_digest, session_id, take, request_id, mode, max_concurrency, previous, state, failure, owner_boot_id, lease_epoch, lease_until_us, crash_count, cancel_requested_us, created_us, started_us, ended_us, last_seq, currency, settled_nanos, reserved_nanos, unknown_held_nanos) VALUES
    ('018bcfe5-6800-7000-8000-000000000e00', 'golden', 'sha256:d2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813', 's1', '0', 'request-completed', 'reuse', '1', NULL, 'completed', NULL, '00000000-0000-0000-0000-0000b0070000', '1', NULL, '0', NULL, '1700000000000000', '1700000000002000', '1700000000013000', '19', 'USD', '80000000', '0', '0'),
    ('018bcfe5-6800-7000-8000-000000000e01', 'golden', 'sha256:f5d10ad80189fe4dc3627651d733296986ef3270d17b7184931c1c135134bb67', 's1', '0', 'request-failed', 'reuse', '1', NULL, 'failed', '\x0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '00000000-0000-0000-0000-0000b0070001', '1', NULL, '0', NULL, '1700000000014000', '1700000000016000', '1700000000026000', '16', 'USD', '40000000', '0', '0'),
    ('018bcfe5-6800-7000-8000-000000000e02', 'golden', 'sha256:a47740057741e820189f041a04510fe6b0318f33e9478ff9e6fb24ac0c90536c', 's1', '0', 'request-billed', 'reuse', '1', NULL, 'failed', '\x0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '00000000-0000-0000-0000-0000b0070002', '1', NULL, '0', NULL, '1700000000027000', '1700000000029000', '1700000000035000', '10', 'USD', '0', '0', '50000000'),
    ('018bcfe5-6800-7000-8000-000000000e03', 'golden', 'sha256:08fadc1fe0e65d5cf2cf9e97bdbec48ef638ff61f42bc2d93978f7bffe090237', 's1', '0', 'request-cancelled', 'reuse', '1', NULL, 'cancelled', '\x0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '00000000-0000-0000-0000-0000b0070003', '1', NULL, '0', '1700000000039000', '1700000000036000', '1700000000038000', '1700000000041000', '5', 'USD', '0', '0', '0'),
    ('018bcfe5-6800-7000-8000-000000000e04', 'golden', 'sha256:6467993d268e5ec2095acde780e346f491475dcfd5cb65cb139904195daaa24e', 's1', '0', 'request-unknown', 'reuse', '1', NULL, 'needs_decision', NULL, NULL, '1', NULL, '0', NULL, '1700000000042000', '1700000000044000', NULL, '10', 'USD', '0', '0', '50000000'),
    ('018bcfe5-6800-7000-8000-000000000e05', 'golden', 'sha256:97a2e8ee67bc90e7d88deb16d5979273b3f46da3f49992d07cebffb805f691a4', 's1', '0', 'request-prepared', 'reuse', '1', NULL, 'processing', NULL, '00000000-0000-0000-0000-0000b0070005', '1', '1700000030052000', '0', NULL, '1700000000051000', '1700000000053000', NULL, '5', 'USD', '0', '50000000', '0'),
    ('018bcfe5-6800-7000-8000-000000000e06', 'golden', 'sha256:de46e76a5423479391c4adda176263f24eadcef60a27afc69c08f079f5c464e7', 's1', '0', 'request-dispatching', 'reuse', '1', NULL, 'processing', NULL, '00000000-0000-0000-0000-0000b0070006', '1', '1700000030057000', '0', NULL, '1700000000056000', '1700000000058000', NULL, '6', 'USD', '0', '50000000', '0'),
    ('018bcfe5-6800-7000-8000-000000000e07', 'golden', 'sha256:f606b92671ce5b2ac72253cdedf16b443ef65ad8073a8263afaf053e30a20706', 's1', '0', 'request-received', 'reuse', '1', NULL, 'processing', NULL, '00000000-0000-0000-0000-0000b0070007', '1', '1700000030063000', '0', NULL, '1700000000062000', '1700000000064000', NULL, '7', 'USD', '0', '50000000', '0'),
    ('018bcfe5-6800-7000-8000-000000000e08', 'golden', 'sha256:5a17d4618c774a7c10dc0f38063c4dac4eea66186dc6b2a878ff251df9b064d5', 's1', '0', 'request-pending', 'reuse', '1', NULL, 'pending', NULL, NULL, '0', NULL, '0', NULL, '1700000000069000', NULL, NULL, '1', 'USD', '0', '0', '0');

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

INSERT INTO steps (execution_id, step_id, ordinal, state, image_id, reused, failure) VALUES
    ('018bcfe5-6800-7000-8000-000000000e00', 'image-1', '0', 'completed', '4ec62ca5-056d-5cae-8f2c-186cd14fd530', '0', NULL),
    ('018bcfe5-6800-7000-8000-000000000e00', 'image-2', '1', 'completed', '82ef2123-5446-5d58-b90e-5c5ef49570a5', '0', NULL),
    ('018bcfe5-6800-7000-8000-000000000e01', 'image-1', '0', 'failed', NULL, '0', '\x0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030'),
    ('018bcfe5-6800-7000-8000-000000000e02', 'image-1', '0', 'failed', NULL, '0', '\x0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030'),
    ('018bcfe5-6800-7000-8000-000000000e03', 'image-1', '0', 'cancelled', NULL, '0', '\x0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030'),
    ('018bcfe5-6800-7000-8000-000000000e04', 'image-1', '0', 'needs_decision', NULL, '0', '\x0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030'),
    ('018bcfe5-6800-7000-8000-000000000e05', 'image-1', '0', 'processing', NULL, '0', NULL),
    ('018bcfe5-6800-7000-8000-000000000e06', 'image-1', '0', 'processing', NULL, '0', NULL),
    ('018bcfe5-6800-7000-8000-000000000e07', 'image-1', '0', 'processing', NULL, '0', NULL),
    ('018bcfe5-6800-7000-8000-000000000e08', 'image-1', '0', 'pending', NULL, '0', NULL);

INSERT INTO units (client, render_digest, take, state, execution_id, step_id, image_id) VALUES
    ('golden', 'sha256:1e0f3055eb00b2d3747457d1a75fe79e006bef8d193ced4dae75dc79f89cfd5e', '0', 'completed', '018bcfe5-6800-7000-8000-000000000e00', 'image-1', '4ec62ca5-056d-5cae-8f2c-186cd14fd530'),
    ('golden', 'sha256:4e62082730a104a17abfc5943ea56fcd368d28db346f2f53fdaa419631527c5e', '0', 'completed', '018bcfe5-6800-7000-8000-000000000e00', 'image-2', '82ef2123-5446-5d58-b90e-5c5ef49570a5'),
    ('golden', 'sha256:0b6929c317de9b126c90aeed3d25d4e557790852b474da64351b492389f97dcd', '0', 'idle', NULL, NULL, NULL),
    ('golden', 'sha256:08212ccd300c5672bdf3d9741de59b71d3d6c74f0ea2460209c01fa9488ce849', '0', 'idle', NULL, NULL, NULL),
    ('golden', 'sha256:2e04711d91cc1e5bef5f1cadcba5780682036354090780800a197c01d5a77a68', '0', 'open', '018bcfe5-6800-7000-8000-000000000e04', 'image-1', NULL),
    ('golden', 'sha256:4e168e8aa8972bb5238ba4912ce250a9fe6fd03778212f8c41be77192bbb972e', '0', 'open', '018bcfe5-6800-7000-8000-000000000e05', 'image-1', NULL),
    ('golden', 'sha256:842558ce756738744531aa7bf2710a5a16447d8b451e35cb29341c46390dd81a', '0', 'open', '018bcfe5-6800-7000-8000-000000000e06', 'image-1', NULL),
    ('golden', 'sha256:a282a6985726e30d20cc94f1ade6dc23fb7edcc2e497bb4d755be75fb6aeb904', '0', 'open', '018bcfe5-6800-7000-8000-000000000e07', 'image-1', NULL);

INSERT INTO attempts (id, execution_id, step_id, number, client, render_digest, take, target, provider, model, class, state, ceiling_nanos, reserved_nanos, unknown_held_nanos, cost_nanos, cost_estimated, job_id, provider_request_id, revised_prompt, failure, prepared_us, dispatched_us, dispatch_epoch, send_by_us, received_us, answer_receipt, ended_us, settled_seq) VALUES
    ('018bcfe5-6800-7000-8000-000000000a01', '018bcfe5-6800-7000-8000-000000000e00', 'image-1', '1', 'golden', 'sha256:1e0f3055eb00b2d3747457d1a75fe79e006bef8d193ced4dae75dc79f89cfd5e', '0', '0', 'easel', 'easel-1', 'd', 'committed', '50000000', '0', '0', '40000000', '0', '', 'req-before', 'it''s as drawn', NULL, '1700000000003000', '1700000000005000', '1', '1700000005005000', '1700000000006000', '1', '1700000000007000', '8'),
    ('018bcfe5-6800-7000-8000-000000000a02', '018bcfe5-6800-7000-8000-000000000e00', 'image-2', '1', 'golden', 'sha256:4e62082730a104a17abfc5943ea56fcd368d28db346f2f53fdaa419631527c5e', '0', '0', 'easel', 'easel-1', 'd', 'committed', '50000000', '0', '0', '40000000', '0', '', 'req-before', 'it''s as drawn', NULL, '1700000000008000', '1700000000010000', '1', '1700000005010000', '1700000000011000', '1', '1700000000012000', '16'),
    ('018bcfe5-6800-7000-8000-000000000a03', '018bcfe5-6800-7000-8000-000000000e01', 'image-1', '1', 'golden', 'sha256:0b6929c317de9b126c90aeed3d25d4e557790852b474da64351b492389f97dcd', '0', '0', 'easel', 'easel-1', 'd', 'rejected', '50000000', '0', '0', NULL, '0', '', 'req-before', '', '\x0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000017000', '1700000000019000', '1', '1700000005019000', NULL, NULL, '1700000000020000', NULL),
    ('018bcfe5-6800-7000-8000-000000000a04', '018bcfe5-6800-7000-8000-000000000e01', 'image-1', '2', 'golden', 'sha256:0b6929c317de9b126c90aeed3d25d4e557790852b474da64351b492389f97dcd', '0', '0', 'easel', 'easel-1', 'd', 'failed_paid', '50000000', '0', '0', '40000000', '1', '', 'req-before', '', '\x0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000021000', '1700000000022000', '1', '1700000005022000', '1700000000023000', '1', '1700000000024000', '13'),
    ('018bcfe5-6800-7000-8000-000000000a05', '018bcfe5-6800-7000-8000-000000000e02', 'image-1', '1', 'golden', 'sha256:08212ccd300c5672bdf3d9741de59b71d3d6c74f0ea2460209c01fa9488ce849', '0', '0', 'easel', 'easel-1', 'd', 'rejected', '50000000', '0', '50000000', NULL, '0', '', 'req-before', '', '\x0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000030000', '1700000000032000', '1', '1700000005032000', NULL, NULL, '1700000000033000', NULL),
    ('018bcfe5-6800-7000-8000-000000000a06', '018bcfe5-6800-7000-8000-000000000e04', 'image-1', '1', 'golden', 'sha256:2e04711d91cc1e5bef5f1cadcba5780682036354090780800a197c01d5a77a68', '0', '0', 'easel', 'easel-1', 'd', 'unknown', '50000000', '0', '50000000', NULL, '0', '', 'req-before', '', '\x0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000045000', '1700000000047000', '1', '1700000005047000', NULL, NULL, NULL, NULL),
    ('018bcfe5-6800-7000-8000-000000000a07', '018bcfe5-6800-7000-8000-000000000e05', 'image-1', '1', 'golden', 'sha256:4e168e8aa8972bb5238ba4912ce250a9fe6fd03778212f8c41be77192bbb972e', '0', '0', 'easel', 'easel-1', 'd', 'prepared', '50000000', '50000000', '0', NULL, '0', '', '', '', NULL, '1700000000054000', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('018bcfe5-6800-7000-8000-000000000a08', '018bcfe5-6800-7000-8000-000000000e06', 'image-1', '1', 'golden', 'sha256:842558ce756738744531aa7bf2710a5a16447d8b451e35cb29341c46390dd81a', '0', '0', 'easel', 'easel-1', 'd', 'dispatching', '50000000', '50000000', '0', NULL, '0', '', '', '', NULL, '1700000000059000', '1700000000061000', '1', '1700000005061000', NULL, NULL, NULL, NULL),
    ('018bcfe5-6800-7000-8000-000000000a09', '018bcfe5-6800-7000-8000-000000000e07', 'image-1', '1', 'golden', 'sha256:a282a6985726e30d20cc94f1ade6dc23fb7edcc2e497bb4d755be75fb6aeb904', '0', '0', 'easel', 'easel-1', 'd', 'received', '50000000', '50000000', '0', NULL, '0', '', 'req-before', '', NULL, '1700000000065000', '1700000000067000', '1', '1700000005067000', '1700000000068000', '1', NULL, NULL);

INSERT INTO receipts (attempt_id, number, kind, staging_key, body_sha256, size_bytes, media_type, request_id, headers, at_us) VALUES
    ('018bcfe5-6800-7000-8000-000000000a01', '1', 'answer', 'staging/018bcfe5-6800-7000-8000-000000000a01', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', '159', 'image/png', 'req-before', '{"x-cost":"0.04"}', '1700000000006000'),
    ('018bcfe5-6800-7000-8000-000000000a02', '1', 'answer', 'staging/018bcfe5-6800-7000-8000-000000000a02', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', '159', 'image/png', 'req-before', '{"x-cost":"0.04"}', '1700000000011000'),
    ('018bcfe5-6800-7000-8000-000000000a04', '1', 'answer', 'staging/018bcfe5-6800-7000-8000-000000000a04', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', '159', 'image/png', 'req-before', '{"x-cost":"0.04"}', '1700000000023000'),
    ('018bcfe5-6800-7000-8000-000000000a09', '1', 'answer', 'staging/018bcfe5-6800-7000-8000-000000000a09', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', '159', 'image/png', 'req-before', '{"x-cost":"0.04"}', '1700000000068000');

INSERT INTO budgets (scope, currency, spent_nanos, reserved_nanos, unknown_held_nanos) VALUES
    ('clients/golden/budgets/client', 'USD', '120000000', '150000000', '100000000'),
    ('clients/golden/budgets/session-s1', 'USD', '120000000', '150000000', '100000000');

INSERT INTO ledger (event_key, scope, currency, kind, amount_nanos, attempt_id, at_us) VALUES
    ('018bcfe5-6800-7000-8000-000000000a01/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a01', '1700000000003000'),
    ('018bcfe5-6800-7000-8000-000000000a01/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a01', '1700000000003000'),
    ('018bcfe5-6800-7000-8000-000000000a01/release/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'release', '50000000', '018bcfe5-6800-7000-8000-000000000a01', '1700000000007000'),
    ('018bcfe5-6800-7000-8000-000000000a01/release/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'release', '50000000', '018bcfe5-6800-7000-8000-000000000a01', '1700000000007000'),
    ('018bcfe5-6800-7000-8000-000000000a01/settle/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'settle', '40000000', '018bcfe5-6800-7000-8000-000000000a01', '1700000000007000'),
    ('018bcfe5-6800-7000-8000-000000000a01/settle/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'settle', '40000000', '018bcfe5-6800-7000-8000-000000000a01', '1700000000007000'),
    ('018bcfe5-6800-7000-8000-000000000a02/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a02', '1700000000008000'),
    ('018bcfe5-6800-7000-8000-000000000a02/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a02', '1700000000008000'),
    ('018bcfe5-6800-7000-8000-000000000a02/release/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'release', '50000000', '018bcfe5-6800-7000-8000-000000000a02', '1700000000012000'),
    ('018bcfe5-6800-7000-8000-000000000a02/release/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'release', '50000000', '018bcfe5-6800-7000-8000-000000000a02', '1700000000012000'),
    ('018bcfe5-6800-7000-8000-000000000a02/settle/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'settle', '40000000', '018bcfe5-6800-7000-8000-000000000a02', '1700000000012000'),
    ('018bcfe5-6800-7000-8000-000000000a02/settle/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'settle', '40000000', '018bcfe5-6800-7000-8000-000000000a02', '1700000000012000'),
    ('018bcfe5-6800-7000-8000-000000000a03/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a03', '1700000000017000'),
    ('018bcfe5-6800-7000-8000-000000000a03/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a03', '1700000000017000'),
    ('018bcfe5-6800-7000-8000-000000000a03/release/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'release', '50000000', '018bcfe5-6800-7000-8000-000000000a03', '1700000000020000'),
    ('018bcfe5-6800-7000-8000-000000000a03/release/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'release', '50000000', '018bcfe5-6800-7000-8000-000000000a03', '1700000000020000'),
    ('018bcfe5-6800-7000-8000-000000000a04/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a04', '1700000000021000'),
    ('018bcfe5-6800-7000-8000-000000000a04/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a04', '1700000000021000'),
    ('018bcfe5-6800-7000-8000-000000000a04/release/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'release', '50000000', '018bcfe5-6800-7000-8000-000000000a04', '1700000000024000'),
    ('018bcfe5-6800-7000-8000-000000000a04/release/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'release', '50000000', '018bcfe5-6800-7000-8000-000000000a04', '1700000000024000'),
    ('018bcfe5-6800-7000-8000-000000000a04/settle/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'settle', '40000000', '018bcfe5-6800-7000-8000-000000000a04', '1700000000024000'),
    ('018bcfe5-6800-7000-8000-000000000a04/settle/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'settle', '40000000', '018bcfe5-6800-7000-8000-000000000a04', '1700000000024000'),
    ('018bcfe5-6800-7000-8000-000000000a05/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a05', '1700000000030000'),
    ('018bcfe5-6800-7000-8000-000000000a05/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a05', '1700000000030000'),
    ('018bcfe5-6800-7000-8000-000000000a05/hold/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'hold', '50000000', '018bcfe5-6800-7000-8000-000000000a05', '1700000000033000'),
    ('018bcfe5-6800-7000-8000-000000000a05/hold/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'hold', '50000000', '018bcfe5-6800-7000-8000-000000000a05', '1700000000033000'),
    ('018bcfe5-6800-7000-8000-000000000a06/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a06', '1700000000045000'),
    ('018bcfe5-6800-7000-8000-000000000a06/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a06', '1700000000045000'),
    ('018bcfe5-6800-7000-8000-000000000a06/hold/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'hold', '50000000', '018bcfe5-6800-7000-8000-000000000a06', '1700000000048000'),
    ('018bcfe5-6800-7000-8000-000000000a06/hold/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'hold', '50000000', '018bcfe5-6800-7000-8000-000000000a06', '1700000000048000'),
    ('018bcfe5-6800-7000-8000-000000000a07/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a07', '1700000000054000'),
    ('018bcfe5-6800-7000-8000-000000000a07/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a07', '1700000000054000'),
    ('018bcfe5-6800-7000-8000-000000000a08/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a08', '1700000000059000'),
    ('018bcfe5-6800-7000-8000-000000000a08/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a08', '1700000000059000'),
    ('018bcfe5-6800-7000-8000-000000000a09/reserve/clients/golden/budgets/client', 'clients/golden/budgets/client', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a09', '1700000000065000'),
    ('018bcfe5-6800-7000-8000-000000000a09/reserve/clients/golden/budgets/session-s1', 'clients/golden/budgets/session-s1', 'USD', 'reserve', '50000000', '018bcfe5-6800-7000-8000-000000000a09', '1700000000065000');

INSERT INTO events (execution_id, seq, payload, at_us) VALUES
    ('018bcfe5-6800-7000-8000-000000000e00', '1', '\x080112060880e2cfaa0642020801', '1700000000000000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '2', '\x0802120a0880e2cfaa061080897a42020802', '1700000000002000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '3', '\x0803120b0880e2cfaa06108092f401220b0a07696d6167652d311002', '1700000000004000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '4', '\x0804120b0880e2cfaa0610c08db7012a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a316530663330353565623030623264333734373435376431613735666537396530303662656638643139336365643464616537356463373966383963666435653a0b0880e2cfaa0610c08db7016801722430313862636665352d363830302d373030302d383030302d303030303030303030613031', '1700000000003000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '5', '\x0805120b0880e2cfaa0610c08db701321a0a050a03555344220a0a035553441080e1eb172a050a03555344', '1700000000003000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '6', '\x0806120b0880e2cfaa0610c096b1022a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a316530663330353565623030623264333734373435376431613735666537396530303662656638643139336365643464616537356463373966383963666435653a0b0880e2cfaa0610c08db7016802722430313862636665352d363830302d373030302d383030302d303030303030303030613031', '1700000000005000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '7', '\x0807120b0880e2cfaa0610809bee022aa8010a07696d6167652d31129c0108011a05656173656c2207656173656c2d312a477368613235363a31653066333035356562303062326433373437343537643161373566653739653030366265663864313933636564346461653735646337396638396366643565320a7265712d6265666f72653a0b0880e2cfaa0610c08db7016804722430313862636665352d363830302d373030302d383030302d303030303030303030613031', '1700000000006000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '8', '\x0808120b0880e2cfaa0610c09fab032ad0010a07696d6167652d3112c40108011a05656173656c2207656173656c2d312a477368613235363a31653066333035356562303062326433373437343537643161373566653739653030366265663864313933636564346461653735646337396638396366643565320a7265712d6265666f72653a0b0880e2cfaa0610c08db701420b0880e2cfaa0610c09fab03520a0a035553441080b489135a0d6974277320617320647261776e6805722430313862636665352d363830302d373030302d383030302d303030303030303030613031', '1700000000007000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '9', '\x0809120b0880e2cfaa0610c09fab03323c0a0a0a035553441080b48913121e0a07696d6167652d3110011a05656173656c220a0a035553441080b48913180122050a035553442a050a03555344', '1700000000007000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '10', '\x080a120b0880e2cfaa0610c09fab0322470a07696d6167652d311003223a636c69656e74732f676f6c64656e2f696d616765732f34656336326361352d303536642d356361652d386632632d313836636431346664353330', '1700000000007000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '11', '\x080b120b0880e2cfaa0610c0a8a504220b0a07696d6167652d321002', '1700000000009000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '12', '\x080c120b0880e2cfaa061080a4e8032a9c010a07696d6167652d3212900108011a05656173656c2207656173656c2d312a477368613235363a346536323038323733306131303461313761626663353934336561353666636433363864323864623334366632663533666461613431393633313532376335653a0b0880e2cfaa061080a4e8036801722430313862636665352d363830302d373030302d383030302d303030303030303030613032', '1700000000008000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '13', '\x080d120b0880e2cfaa061080a4e803323f0a0a0a035553441080b48913121e0a07696d6167652d3110011a05656173656c220a0a035553441080b48913220a0a035553441080e1eb172a050a03555344', '1700000000008000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '14', '\x080e120b0880e2cfaa061080ade2042a9c010a07696d6167652d3212900108011a05656173656c2207656173656c2d312a477368613235363a346536323038323733306131303461313761626663353934336561353666636433363864323864623334366632663533666461613431393633313532376335653a0b0880e2cfaa061080a4e8036802722430313862636665352d363830302d373030302d383030302d303030303030303030613032', '1700000000010000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '15', '\x080f120b0880e2cfaa0610c0b19f052aa8010a07696d6167652d32129c0108011a05656173656c2207656173656c2d312a477368613235363a34653632303832373330613130346131376162666335393433656135366663643336386432386462333436663266353366646161343139363331353237633565320a7265712d6265666f72653a0b0880e2cfaa061080a4e8036804722430313862636665352d363830302d373030302d383030302d303030303030303030613032', '1700000000011000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '16', '\x0810120b0880e2cfaa061080b6dc052ad0010a07696d6167652d3212c40108011a05656173656c2207656173656c2d312a477368613235363a34653632303832373330613130346131376162666335393433656135366663643336386432386462333436663266353366646161343139363331353237633565320a7265712d6265666f72653a0b0880e2cfaa061080a4e803420b0880e2cfaa061080b6dc05520a0a035553441080b489135a0d6974277320617320647261776e6805722430313862636665352d363830302d373030302d383030302d303030303030303030613032', '1700000000012000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '17', '\x0811120b0880e2cfaa061080b6dc05325c0a0a0a035553441080e89226121e0a07696d6167652d3110011a05656173656c220a0a035553441080b48913121e0a07696d6167652d3210011a05656173656c220a0a035553441080b48913180122050a035553442a050a03555344', '1700000000012000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '18', '\x0812120b0880e2cfaa061080b6dc0522470a07696d6167652d321003223a636c69656e74732f676f6c64656e2f696d616765732f38326566323132332d353434362d356435382d623930652d356335656634393537306135', '1700000000012000'),
    ('018bcfe5-6800-7000-8000-000000000e00', '19', '\x0813120b0880e2cfaa0610c0ba990642020803', '1700000000013000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '1', '\x0801120b0880e2cfaa061080bfd60642020801', '1700000000014000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '2', '\x0802120b0880e2cfaa061080c8d00742020802', '1700000000016000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '3', '\x0803120b0880e2cfaa061080d1ca08220b0a07696d6167652d311002', '1700000000018000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '4', '\x0804120b0880e2cfaa0610c0cc8d082a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a306236393239633331376465396231323663393061656564336432356434653535373739303835326234373464613634333531623439323338396639376463643a0b0880e2cfaa0610c0cc8d086801722430313862636665352d363830302d373030302d383030302d303030303030303030613033', '1700000000017000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '5', '\x0805120b0880e2cfaa0610c0cc8d08321a0a050a03555344220a0a035553441080e1eb172a050a03555344', '1700000000017000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '6', '\x0806120b0880e2cfaa0610c0d587092a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a306236393239633331376465396231323663393061656564336432356434653535373739303835326234373464613634333531623439323338396639376463643a0b0880e2cfaa0610c0cc8d086802722430313862636665352d363830302d373030302d383030302d303030303030303030613033', '1700000000019000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '7', '\x0807120b0880e2cfaa061080dac4092af3010a07696d6167652d3112e70108011a05656173656c2207656173656c2d312a477368613235363a30623639323963333137646539623132366339306165656433643235643465353537373930383532623437346461363433353162343932333839663937646364320a7265712d6265666f72653a0b0880e2cfaa0610c0cc8d08420b0880e2cfaa061080dac409623c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a6874747053746174757312033430306807722430313862636665352d363830302d373030302d383030302d303030303030303030613033', '1700000000020000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '8', '\x0808120b0880e2cfaa061080dac40932170a050a03555344180122050a035553442a050a03555344', '1700000000020000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '9', '\x0809120b0880e2cfaa0610c0de810a2a9c010a07696d6167652d3112900108021a05656173656c2207656173656c2d312a477368613235363a306236393239633331376465396231323663393061656564336432356434653535373739303835326234373464613634333531623439323338396639376463643a0b0880e2cfaa0610c0de810a6801722430313862636665352d363830302d373030302d383030302d303030303030303030613034', '1700000000021000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '10', '\x080a120b0880e2cfaa0610c0de810a321a0a050a03555344220a0a035553441080e1eb172a050a03555344', '1700000000021000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '11', '\x080b120b0880e2cfaa061080e3be0a2a9c010a07696d6167652d3112900108021a05656173656c2207656173656c2d312a477368613235363a306236393239633331376465396231323663393061656564336432356434653535373739303835326234373464613634333531623439323338396639376463643a0b0880e2cfaa0610c0de810a6802722430313862636665352d363830302d373030302d383030302d303030303030303030613034', '1700000000022000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '12', '\x080c120b0880e2cfaa0610c0e7fb0a2aa8010a07696d6167652d31129c0108021a05656173656c2207656173656c2d312a477368613235363a30623639323963333137646539623132366339306165656433643235643465353537373930383532623437346461363433353162343932333839663937646364320a7265712d6265666f72653a0b0880e2cfaa0610c0de810a6804722430313862636665352d363830302d373030302d383030302d303030303030303030613034', '1700000000023000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '13', '\x080d120b0880e2cfaa061080ecb80b2a81020a07696d6167652d3112f50108021a05656173656c2207656173656c2d312a477368613235363a30623639323963333137646539623132366339306165656433643235643465353537373930383532623437346461363433353162343932333839663937646364320a7265712d6265666f72653a0b0880e2cfaa0610c0de810a420b0880e2cfaa061080ecb80b520a0a035553441080b48913623c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a6874747053746174757312033430306808722430313862636665352d363830302d373030302d383030302d3030303030303030306130347801', '1700000000024000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '14', '\x080e120b0880e2cfaa061080ecb80b323e0a0a0a035553441080b4891312200a07696d6167652d3110021a05656173656c220a0a035553441080b489132801180122050a035553442a050a03555344', '1700000000024000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '15', '\x080f120b0880e2cfaa0610c0f0f50b22490a07696d6167652d311004323c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000025000'),
    ('018bcfe5-6800-7000-8000-000000000e01', '16', '\x0810120b0880e2cfaa061080f5b20c42400804123c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000026000'),
    ('018bcfe5-6800-7000-8000-000000000e02', '1', '\x0801120b0880e2cfaa0610c0f9ef0c42020801', '1700000000027000'),
    ('018bcfe5-6800-7000-8000-000000000e02', '2', '\x0802120b0880e2cfaa0610c082ea0d42020802', '1700000000029000'),
    ('018bcfe5-6800-7000-8000-000000000e02', '3', '\x0803120b0880e2cfaa0610c08be40e220b0a07696d6167652d311002', '1700000000031000'),
    ('018bcfe5-6800-7000-8000-000000000e02', '4', '\x0804120b0880e2cfaa06108087a70e2a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a303832313263636433303063353637326264663364393734316465353962373164336436633734663065613234363032303963303166613934383863653834393a0b0880e2cfaa06108087a70e6801722430313862636665352d363830302d373030302d383030302d303030303030303030613035', '1700000000030000'),
    ('018bcfe5-6800-7000-8000-000000000e02', '5', '\x0805120b0880e2cfaa06108087a70e321a0a050a03555344220a0a035553441080e1eb172a050a03555344', '1700000000030000'),
    ('018bcfe5-6800-7000-8000-000000000e02', '6', '\x0806120b0880e2cfaa06108090a10f2a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a303832313263636433303063353637326264663364393734316465353962373164336436633734663065613234363032303963303166613934383863653834393a0b0880e2cfaa06108087a70e6802722430313862636665352d363830302d373030302d383030302d303030303030303030613035', '1700000000032000'),
    ('018bcfe5-6800-7000-8000-000000000e02', '7', '\x0807120b0880e2cfaa0610c094de0f2af3010a07696d6167652d3112e70108011a05656173656c2207656173656c2d312a477368613235363a30383231326363643330306335363732626466336439373431646535396237316433643663373466306561323436303230396330316661393438386365383439320a7265712d6265666f72653a0b0880e2cfaa06108087a70e420b0880e2cfaa0610c094de0f623c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a6874747053746174757312033430306807722430313862636665352d363830302d373030302d383030302d303030303030303030613035', '1700000000033000'),
    ('018bcfe5-6800-7000-8000-000000000e02', '8', '\x0808120b0880e2cfaa0610c094de0f321a0a050a0355534422050a035553442a0a0a035553441080e1eb17', '1700000000033000'),
    ('018bcfe5-6800-7000-8000-000000000e02', '9', '\x0809120b0880e2cfaa061080999b1022490a07696d6167652d311004323c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000034000'),
    ('018bcfe5-6800-7000-8000-000000000e02', '10', '\x080a120b0880e2cfaa0610c09dd81042400804123c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000035000'),
    ('018bcfe5-6800-7000-8000-000000000e03', '1', '\x0801120b0880e2cfaa061080a2951142020801', '1700000000036000'),
    ('018bcfe5-6800-7000-8000-000000000e03', '2', '\x0802120b0880e2cfaa061080ab8f1242020802', '1700000000038000'),
    ('018bcfe5-6800-7000-8000-000000000e03', '3', '\x0803120b0880e2cfaa0610c0afcc1242020806', '1700000000039000'),
    ('018bcfe5-6800-7000-8000-000000000e03', '4', '\x0804120b0880e2cfaa061080b4891322490a07696d6167652d311005323c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000040000'),
    ('018bcfe5-6800-7000-8000-000000000e03', '5', '\x0805120b0880e2cfaa0610c0b8c61342400805123c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000041000'),
    ('018bcfe5-6800-7000-8000-000000000e04', '1', '\x0801120b0880e2cfaa061080bd831442020801', '1700000000042000'),
    ('018bcfe5-6800-7000-8000-000000000e04', '2', '\x0802120b0880e2cfaa061080c6fd1442020802', '1700000000044000'),
    ('018bcfe5-6800-7000-8000-000000000e04', '3', '\x0803120b0880e2cfaa061080cff715220b0a07696d6167652d311002', '1700000000046000'),
    ('018bcfe5-6800-7000-8000-000000000e04', '4', '\x0804120b0880e2cfaa0610c0caba152a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a326530343731316439316363316535626566356631636164636261353738303638323033363335343039303738303830306131393763303164356137376136383a0b0880e2cfaa0610c0caba156801722430313862636665352d363830302d373030302d383030302d303030303030303030613036', '1700000000045000'),
    ('018bcfe5-6800-7000-8000-000000000e04', '5', '\x0805120b0880e2cfaa0610c0caba15321a0a050a03555344220a0a035553441080e1eb172a050a03555344', '1700000000045000'),
    ('018bcfe5-6800-7000-8000-000000000e04', '6', '\x0806120b0880e2cfaa0610c0d3b4162a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a326530343731316439316363316535626566356631636164636261353738303638323033363335343039303738303830306131393763303164356137376136383a0b0880e2cfaa0610c0caba156802722430313862636665352d363830302d373030302d383030302d303030303030303030613036', '1700000000047000'),
    ('018bcfe5-6800-7000-8000-000000000e04', '7', '\x0807120b0880e2cfaa061080d8f1162ae6010a07696d6167652d3112da0108011a05656173656c2207656173656c2d312a477368613235363a32653034373131643931636331653562656635663163616463626135373830363832303336333534303930373830383030613139376330316435613737613638320a7265712d6265666f72653a0b0880e2cfaa0610c0caba15623c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a6874747053746174757312033430306809722430313862636665352d363830302d373030302d383030302d303030303030303030613036', '1700000000048000'),
    ('018bcfe5-6800-7000-8000-000000000e04', '8', '\x0808120b0880e2cfaa061080d8f116321a0a050a0355534422050a035553442a0a0a035553441080e1eb17', '1700000000048000'),
    ('018bcfe5-6800-7000-8000-000000000e04', '9', '\x0809120b0880e2cfaa0610c0dcae1722490a07696d6167652d311007323c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000049000'),
    ('018bcfe5-6800-7000-8000-000000000e04', '10', '\x080a120b0880e2cfaa061080e1eb1742400807123c0803121150524f56494445525f52454a45435445441a1274686520656173656c27732062726f6b656e32110a0a687474705374617475731203343030', '1700000000050000'),
    ('018bcfe5-6800-7000-8000-000000000e05', '1', '\x0801120b0880e2cfaa0610c0e5a81842020801', '1700000000051000'),
    ('018bcfe5-6800-7000-8000-000000000e05', '2', '\x0802120b0880e2cfaa0610c0eea21942020802', '1700000000053000'),
    ('018bcfe5-6800-7000-8000-000000000e05', '3', '\x0803120b0880e2cfaa0610c0f79c1a220b0a07696d6167652d311002', '1700000000055000'),
    ('018bcfe5-6800-7000-8000-000000000e05', '4', '\x0804120b0880e2cfaa061080f3df192a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a346531363865386161383937326262353233386261343931326365323530613966653666643033373738323132663863343162653737313932626262393732653a0b0880e2cfaa061080f3df196801722430313862636665352d363830302d373030302d383030302d303030303030303030613037', '1700000000054000'),
    ('018bcfe5-6800-7000-8000-000000000e05', '5', '\x0805120b0880e2cfaa061080f3df19321a0a050a03555344220a0a035553441080e1eb172a050a03555344', '1700000000054000'),
    ('018bcfe5-6800-7000-8000-000000000e06', '1', '\x0801120b0880e2cfaa061080fcd91a42020801', '1700000000056000'),
    ('018bcfe5-6800-7000-8000-000000000e06', '2', '\x0802120b0880e2cfaa06108085d41b42020802', '1700000000058000'),
    ('018bcfe5-6800-7000-8000-000000000e06', '3', '\x0803120b0880e2cfaa0610808ece1c220b0a07696d6167652d311002', '1700000000060000'),
    ('018bcfe5-6800-7000-8000-000000000e06', '4', '\x0804120b0880e2cfaa0610c089911c2a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a383432353538636537353637333837343435333161613762663237313061356131363434376438623435316533356362323933343163343633393064643831613a0b0880e2cfaa0610c089911c6801722430313862636665352d363830302d373030302d383030302d303030303030303030613038', '1700000000059000'),
    ('018bcfe5-6800-7000-8000-000000000e06', '5', '\x0805120b0880e2cfaa0610c089911c321a0a050a03555344220a0a035553441080e1eb172a050a03555344', '1700000000059000'),
    ('018bcfe5-6800-7000-8000-000000000e06', '6', '\x0806120b0880e2cfaa0610c0928b1d2a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a383432353538636537353637333837343435333161613762663237313061356131363434376438623435316533356362323933343163343633393064643831613a0b0880e2cfaa0610c089911c6802722430313862636665352d363830302d373030302d383030302d303030303030303030613038', '1700000000061000'),
    ('018bcfe5-6800-7000-8000-000000000e07', '1', '\x0801120b0880e2cfaa06108097c81d42020801', '1700000000062000'),
    ('018bcfe5-6800-7000-8000-000000000e07', '2', '\x0802120b0880e2cfaa061080a0c21e42020802', '1700000000064000'),
    ('018bcfe5-6800-7000-8000-000000000e07', '3', '\x0803120b0880e2cfaa061080a9bc1f220b0a07696d6167652d311002', '1700000000066000'),
    ('018bcfe5-6800-7000-8000-000000000e07', '4', '\x0804120b0880e2cfaa0610c0a4ff1e2a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a613238326136393835373236653330643230636339346631616465366463323366623765646363326534393762623464373535626537356662366165623930343a0b0880e2cfaa0610c0a4ff1e6801722430313862636665352d363830302d373030302d383030302d303030303030303030613039', '1700000000065000'),
    ('018bcfe5-6800-7000-8000-000000000e07', '5', '\x0805120b0880e2cfaa0610c0a4ff1e321a0a050a03555344220a0a035553441080e1eb172a050a03555344', '1700000000065000'),
    ('018bcfe5-6800-7000-8000-000000000e07', '6', '\x0806120b0880e2cfaa0610c0adf91f2a9c010a07696d6167652d3112900108011a05656173656c2207656173656c2d312a477368613235363a613238326136393835373236653330643230636339346631616465366463323366623765646363326534393762623464373535626537356662366165623930343a0b0880e2cfaa0610c0a4ff1e6802722430313862636665352d363830302d373030302d383030302d303030303030303030613039', '1700000000067000'),
    ('018bcfe5-6800-7000-8000-000000000e07', '7', '\x0807120b0880e2cfaa061080b2b6202aa8010a07696d6167652d31129c0108011a05656173656c2207656173656c2d312a477368613235363a61323832613639383537323665333064323063633934663161646536646332336662376564636332653439376262346437353562653735666236616562393034320a7265712d6265666f72653a0b0880e2cfaa0610c0a4ff1e6804722430313862636665352d363830302d373030302d383030302d303030303030303030613039', '1700000000068000'),
    ('018bcfe5-6800-7000-8000-000000000e08', '1', '\x0801120b0880e2cfaa0610c0b6f32042020801', '1700000000069000');

INSERT INTO blobs (storage_key, sha256, size_bytes, media_type, created_us) VALUES
    ('clients/golden/images/4ec62ca5-056d-5cae-8f2c-186cd14fd530.png', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', '159', 'image/png', '1700000000007000'),
    ('clients/golden/images/82ef2123-5446-5d58-b90e-5c5ef49570a5.png', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', '159', 'image/png', '1700000000012000');

INSERT INTO images (id, client, execution_id, step_id, plan_digest, render_digest, take, attempt_id, reused, status, rendered_sha256, stored_sha256, storage_path, image_url, format, width, height, file_size, thumbnail_url, image_type, session_id, post_id, prompt_id, original_prompt, prompt, revised_prompt, alt_text, caption, section_title, position, importance, provider, model, provider_request_id, seed_mode, seed, generation_time_ms, currency, generation_cost_nanos, cost_estimated, quality_score_bp, created_us, updated_us) VALUES
    ('4ec62ca5-056d-5cae-8f2c-186cd14fd530', 'golden', '018bcfe5-6800-7000-8000-000000000e00', 'image-1', 'sha256:d2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813', 'sha256:1e0f3055eb00b2d3747457d1a75fe79e006bef8d193ced4dae75dc79f89cfd5e', '0', '018bcfe5-6800-7000-8000-000000000a01', '0', 'completed', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', 'clients/golden/images/4ec62ca5-056d-5cae-8f2c-186cd14fd530.png', '', 'image/png', '16', '16', '159', '', 'IMAGE_TYPE_UNSPECIFIED', 's1', '', '', '', 'completed 0', 'it''s as drawn', '', '', '', '0', 'IMPORTANCE_UNSPECIFIED', 'easel', 'easel-1', 'req-before', 'SEED_MODE_DERIVED', '7', '1234', 'USD', '40000000', '0', '8700', '1700000000007000', '1700000000007000'),
    ('82ef2123-5446-5d58-b90e-5c5ef49570a5', 'golden', '018bcfe5-6800-7000-8000-000000000e00', 'image-2', 'sha256:d2228e1748965ad89a85458c92dad20b71294ff27926ed4278003a1d32e56813', 'sha256:4e62082730a104a17abfc5943ea56fcd368d28db346f2f53fdaa419631527c5e', '0', '018bcfe5-6800-7000-8000-000000000a02', '0', 'completed', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', '956729a35634a2302f7a9c2a57193a9cf33d28488ff54588bcc14e9eb78e0a0c', 'clients/golden/images/82ef2123-5446-5d58-b90e-5c5ef49570a5.png', '', 'image/png', '16', '16', '159', '', 'IMAGE_TYPE_UNSPECIFIED', 's1', '', '', '', 'completed 1', 'it''s as drawn', '', '', '', '0', 'IMPORTANCE_UNSPECIFIED', 'easel', 'easel-1', 'req-before', 'SEED_MODE_DERIVED', '7', '1234', 'USD', '40000000', '0', '8700', '1700000000012000', '1700000000012000');

INSERT INTO image_thumbnails (image_id, ordinal, storage_key, public_url, width, height, format, file_size) VALUES
    ('4ec62ca5-056d-5cae-8f2c-186cd14fd530', '0', 'clients/golden/images/4ec62ca5-056d-5cae-8f2c-186cd14fd530.8.jpg', '', '8', '8', 'image/png', '64'),
    ('82ef2123-5446-5d58-b90e-5c5ef49570a5', '0', 'clients/golden/images/82ef2123-5446-5d58-b90e-5c5ef49570a5.8.jpg', '', '8', '8', 'image/png', '64');

INSERT INTO image_labels (image_id, key, value) VALUES
    ('4ec62ca5-056d-5cae-8f2c-186cd14fd530', 'mood', 'calm'),
    ('82ef2123-5446-5d58-b90e-5c5ef49570a5', 'mood', 'calm');
