given("of-rgb_dense__llava_scissor_10",{"outcomes":"212221212121212112221212","labels":null});
