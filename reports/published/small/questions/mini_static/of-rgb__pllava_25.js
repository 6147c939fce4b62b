given("of-rgb__pllava_25",{"outcomes":"123321321232332333323133","labels":null});
