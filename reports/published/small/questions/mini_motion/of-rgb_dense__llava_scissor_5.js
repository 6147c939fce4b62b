given("of-rgb_dense__llava_scissor_5",{"outcomes":"222111211212212222212121","labels":null});
