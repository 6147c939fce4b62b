given("of-rgb__random_25",{"outcomes":"333333233332122321223133","labels":null});
