given("of-rgb__llava_scissor_25",{"outcomes":"333321333332133313223322","labels":null});
