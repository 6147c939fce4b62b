given("of-rgb_dense__llava_scissor_5",{"outcomes":"212121222122211212121222","labels":null});
