given("of-rgb_dense__llava_scissor_25",{"outcomes":"221112222112212122122111","labels":null});
