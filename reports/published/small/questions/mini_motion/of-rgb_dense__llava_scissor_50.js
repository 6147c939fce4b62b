given("of-rgb_dense__llava_scissor_50",{"outcomes":"221111221121212122122111","labels":null});
