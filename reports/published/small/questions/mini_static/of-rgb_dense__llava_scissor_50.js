given("of-rgb_dense__llava_scissor_50",{"outcomes":"212221212121212221212112","labels":null});
