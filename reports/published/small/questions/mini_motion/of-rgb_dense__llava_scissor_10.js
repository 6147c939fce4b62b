given("of-rgb_dense__llava_scissor_10",{"outcomes":"221111224412212222122121","labels":null});
