given("of-rgb_dense__llava_scissor_25",{"outcomes":"212221222112212121122122","labels":null});
