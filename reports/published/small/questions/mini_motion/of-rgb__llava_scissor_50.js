given("of-rgb__llava_scissor_50",{"outcomes":"223333213331212331122331","labels":null});
