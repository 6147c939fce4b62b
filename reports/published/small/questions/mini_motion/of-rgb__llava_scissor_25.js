given("of-rgb__llava_scissor_25",{"outcomes":"223333211223212333122333","labels":null});
